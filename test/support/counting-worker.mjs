// Runs the guest of CountingWorkerGuest (counting-guest.ts): counts in random pages of shared memory.
import { parentPort, workerData } from 'node:worker_threads';

const WORDS = 1024;
const OPERATIONS_PER_TURN = 64;

const { regions, writes } = workerData;
const pages = regions.flatMap((region) => {
  const words = new Uint32Array(region);
  return Array.from({ length: words.length / WORDS }, (_, page) =>
    words.subarray(page * WORDS, (page + 1) * WORDS),
  );
});
let turn;
let random = 1;

function run() {
  for (let i = 0; i < OPERATIONS_PER_TURN; i += 1) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const page = (random >>> 8) % pages.length;
    // A read and a write: one that was lost is missing for ever.
    pages[page][writes[page] % WORDS] += 1 + page;
    writes[page] += 1;
  }
  turn = setImmediate(run);
}

parentPort.on('message', (message) => {
  clearImmediate(turn);
  if (message === 'resume') turn = setImmediate(run);
  else parentPort.postMessage('paused');
});
