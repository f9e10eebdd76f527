// A guest that measures its own demand faults: after it has arrived it reads every page in random order, in a
// Worker (touch-worker.mjs), and times each read in the thread that faulted.
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createGuestMemory } from '../../dist/index.js';

const PAGE_BYTES = 4096;
const FILL_BYTES = 16 << 20;
/** Distinguishes the first word of each page, so that a page in the wrong place is noticed. */
const MARK = 0x5eed;

export class TouchGuest {
  memory;
  /** Resolves on the destination once every page was read. */
  finished;
  #worker;
  #onFailure;

  constructor(memory, worker, onFailure) {
    this.memory = memory;
    this.#worker = worker;
    this.#onFailure = onFailure;
  }

  /** On the source: random content. */
  static create({ memoryBytes }) {
    const memory = createGuestMemory([memoryBytes]);
    const window = memory.window(0, memoryBytes);
    for (let at = 0; at < memoryBytes; at += FILL_BYTES) {
      const bytes = new Uint8Array(window, at, Math.min(FILL_BYTES, memoryBytes - at));
      randomFillSync(bytes);
    }
    const words = new Uint32Array(window);
    for (let page = 0; page < memory.pageCount; page += 1) {
      words[(page * PAGE_BYTES) / 4] = page ^ MARK;
    }
    return new TouchGuest(memory);
  }

  /** On the destination: `touches` reads with `pauseMs` before each, and as many without a pause. */
  static async arrive(memory, { touches, pauseMs }, onFailure) {
    const window = memory.workerWindow(0, memory.bytes);
    const worker = new Worker(new URL('touch-worker.mjs', import.meta.url), {
      workerData: { window, mark: MARK, touches, pauseMs },
    });
    await once(worker, 'online');
    return new TouchGuest(memory, worker, onFailure);
  }

  async pause() {}

  async resume() {
    if (this.#worker === undefined || this.finished !== undefined) return;
    this.#worker.postMessage('run');
    // Rejects with what the Worker throws.
    this.finished = once(this.#worker, 'message').then(([found]) => found);
    this.finished.catch(this.#onFailure);
  }

  async saveState() {
    return new Uint8Array();
  }

  async loadState() {}

  discard() {
    this.#worker?.terminate();
    this.memory.release();
  }
}
