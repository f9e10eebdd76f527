// What runs in an arrived TouchGuest (touch-guest.ts): reads pages in random order, and times each read from
// before the fault to after it. Its pauses are what lets every thread of both processes fall asleep.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { firstWordOf } from './page-pattern.js';
import { percentile } from './statistics.js';
import type { Latencies, TouchLatencies, TouchWork } from './touch-guest.js';

const PAGE_BYTES = 4096;
const TOUCHES_PER_TURN = 64;

const { window, touches, pauseMs }: TouchWork = workerData;
const words = new Uint32Array(window);

/** Every page index once, in an order that depends on nothing but the count. */
function shuffledPages(count: number): Uint32Array {
  const pages = Uint32Array.from({ length: count }, (_, page) => page);
  let word = 2463534242;
  for (let i = count - 1; i > 0; i -= 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    const other = (word >>> 0) % (i + 1);
    const page = pages[i] ?? 0;
    pages[i] = pages[other] ?? 0;
    pages[other] = page;
  }
  return pages;
}

function latencies(took: readonly number[]): Latencies {
  const sorted = Float64Array.from(took).sort();
  return {
    count: sorted.length,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    maxUs: sorted.at(-1) ?? 0,
    tookUs: [...sorted],
  };
}

/** Microseconds until the page could be read. */
function touchPage(page: number): number {
  const at = (page * PAGE_BYTES) / 4;
  const started = process.hrtime.bigint();
  const word = words[at];
  const took = process.hrtime.bigint() - started;
  if (word !== firstWordOf(page)) throw new Error(`page ${page} holds something else`);
  return Number(took) / 1000;
}

/** `touches` reads with `pauseMs` before each, and as many without a pause; then the pages that are left. */
async function run(): Promise<TouchLatencies> {
  const pages = shuffledPages(window.byteLength / PAGE_BYTES);
  const paced: number[] = [];
  for (const page of pages.subarray(0, touches)) {
    await sleep(pauseMs);
    paced.push(touchPage(page));
  }
  const backToBack: number[] = [];
  for (const [i, page] of pages.subarray(touches).entries()) {
    if (i % TOUCHES_PER_TURN === 0) await nextTurn();
    const took = touchPage(page);
    if (i < touches) backToBack.push(took);
  }
  return { paced: latencies(paced), backToBack: latencies(backToBack) };
}

parentPort?.once('message', async () => parentPort?.postMessage(await run()));
