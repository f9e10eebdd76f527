// What runs in the guest of embed.mjs. While its pages are still on their way, this thread waits for those that it
// touches; the thread that runs the migration must not, which is why this is a Worker.
import { parentPort, workerData } from 'node:worker_threads';

const words = new Uint32Array(workerData.window);
const { counted } = workerData;
let timer;

function count() {
  words[(counted[0] * 1024) % words.length] += 1; // One page after the other.
  counted[0] += 1;
}

parentPort.on('message', (message) => {
  clearInterval(timer);
  if (message === 'resume') timer = setInterval(count, 1);
  parentPort.postMessage('done');
});
