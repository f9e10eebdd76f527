// A guest whose memory is mostly holes: runs of random bytes, spread evenly, and nothing that runs.
import { randomFillSync } from 'node:crypto';
import { createGuestMemory } from '../../dist/index.js';

const RUN_BYTES = 2 ** 20;

export class SparseGuest {
  memory;

  constructor(memory) {
    this.memory = memory;
  }

  /** On the source; `populatedBytes` of `memoryBytes` hold something, both whole MiB. */
  static create({ memoryBytes, populatedBytes }) {
    const memory = createGuestMemory([memoryBytes]);
    const runs = populatedBytes / RUN_BYTES;
    const stride = Math.floor(memoryBytes / runs / RUN_BYTES) * RUN_BYTES;
    for (let run = 0; run < runs; run += 1) {
      randomFillSync(new Uint8Array(memory.window(run * stride, RUN_BYTES)));
    }
    return new SparseGuest(memory);
  }

  static async arrive(memory) {
    return new SparseGuest(memory);
  }

  async pause() {}
  async resume() {}
  async loadState() {}

  async saveState() {
    return new Uint8Array();
  }

  discard() {
    this.memory.release();
  }
}
