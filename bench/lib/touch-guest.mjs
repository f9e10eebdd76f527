// A guest that measures its own demand faults: after it has arrived it reads pages in random order,
// and times each read from before the fault to after it, in the thread that faulted.
//
// It runs on the JavaScript thread: the faults are served natively, so that a blocked event loop does
// no harm, and its pauses are what lets every thread of both processes fall asleep.
import { randomFillSync } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createGuestMemory } from '../../dist/index.js';
import { percentile } from './statistics.mjs';

const PAGE_BYTES = 4096;
const FILL_BYTES = 16 << 20;
const TOUCHES_PER_TURN = 64;
/** Distinguishes the first word of each page, so that a page in the wrong place is noticed. */
const MARK = 0x5eed;

/** Every page index once, in an order that depends on nothing but the count. */
function shuffledPages(count) {
  const pages = Uint32Array.from({ length: count }, (_, page) => page);
  let word = 2463534242;
  for (let i = count - 1; i > 0; i -= 1) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    const other = (word >>> 0) % (i + 1);
    [pages[i], pages[other]] = [pages[other], pages[i]];
  }
  return pages;
}

function latencies(took) {
  const sorted = Float64Array.from(took).sort();
  return {
    count: sorted.length,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    maxUs: sorted.at(-1) ?? 0,
    tookUs: [...sorted],
  };
}

export class TouchGuest {
  memory;
  /** Resolves on the destination once every page was read. */
  finished;
  #words;
  #touch;
  #onFailure;

  constructor(memory, touch, onFailure) {
    this.memory = memory;
    this.#words = new Uint32Array(memory.window(0, memory.bytes));
    this.#touch = touch;
    this.#onFailure = onFailure;
  }

  /** On the source: random content. */
  static create({ memoryBytes }) {
    const memory = createGuestMemory([memoryBytes]);
    const bytes = new Uint8Array(memory.window(0, memoryBytes));
    for (let at = 0; at < memoryBytes; at += FILL_BYTES) {
      randomFillSync(bytes, at, Math.min(FILL_BYTES, memoryBytes - at));
    }
    const guest = new TouchGuest(memory, undefined);
    for (let page = 0; page < memory.pageCount; page += 1) {
      guest.#words[(page * PAGE_BYTES) / 4] = page ^ MARK;
    }
    return guest;
  }

  /** On the destination: `touches` reads with `pauseMs` before each, and as many without a pause. */
  static async arrive(memory, { touches, pauseMs }, onFailure) {
    return new TouchGuest(memory, { touches, pauseMs }, onFailure);
  }

  async pause() {}

  async resume() {
    if (this.#touch === undefined || this.finished !== undefined) return;
    this.finished = this.#run(this.#touch);
    this.finished.catch(this.#onFailure);
  }

  async saveState() {
    return new Uint8Array();
  }

  async loadState() {}

  discard() {
    this.memory.release();
  }

  async #run({ touches, pauseMs }) {
    const pages = shuffledPages(this.memory.pageCount);
    const paced = [];
    for (const page of pages.subarray(0, touches)) {
      await sleep(pauseMs);
      paced.push(this.#touchPage(page));
    }
    const backToBack = [];
    for (const [i, page] of pages.subarray(touches).entries()) {
      if (i % TOUCHES_PER_TURN === 0) await nextTurn();
      const took = this.#touchPage(page);
      if (i < touches) backToBack.push(took);
    }
    return { paced: latencies(paced), backToBack: latencies(backToBack) };
  }

  /** Microseconds until the page could be read. */
  #touchPage(page) {
    const at = (page * PAGE_BYTES) / 4;
    const started = process.hrtime.bigint();
    const word = this.#words[at];
    const took = process.hrtime.bigint() - started;
    if (word !== (page ^ MARK) >>> 0) throw new Error(`page ${page} holds something else`);
    return Number(took) / 1000;
  }
}
