// A guest whose memory is mostly holes: runs of random bytes, spread evenly, and nothing that runs.
import { randomFillSync } from 'node:crypto';
import { createGuestMemory, type Guest, type GuestMemory } from '#engine/index.js';

const RUN_BYTES = 2 ** 20;

/** `populatedBytes` of `memoryBytes` hold something, both whole MiB. */
export interface SparseOptions {
  readonly memoryBytes: number;
  readonly populatedBytes: number;
}

export class SparseGuest implements Guest {
  readonly memory: GuestMemory;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** On the source. */
  static create({ memoryBytes, populatedBytes }: SparseOptions): SparseGuest {
    const memory = createGuestMemory([memoryBytes]);
    const runs = populatedBytes / RUN_BYTES;
    const stride = Math.floor(memoryBytes / runs / RUN_BYTES) * RUN_BYTES;
    for (let run = 0; run < runs; run += 1) {
      randomFillSync(new Uint8Array(memory.window(run * stride, RUN_BYTES)));
    }
    return new SparseGuest(memory);
  }

  static async arrive(memory: GuestMemory): Promise<SparseGuest> {
    return new SparseGuest(memory);
  }

  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async loadState(): Promise<void> {}

  async saveState(): Promise<Uint8Array> {
    return new Uint8Array();
  }

  discard(): void {
    this.memory.release();
  }
}
