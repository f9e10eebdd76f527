// A guest whose memory is mostly holes: runs of pages with content, spread evenly, and nothing that runs.
import { createGuestMemory, type Guest, type GuestMemory, type GuestProbe } from '#engine/index.js';
import { fillPage, patternProbe } from './page-pattern.js';

const PAGE_BYTES = 4096;
const RUN_BYTES = 2 ** 20;
const RUN_PAGES = RUN_BYTES / PAGE_BYTES;

/** `populatedBytes` of `memoryBytes` hold something, both whole MiB. */
export interface SparseOptions {
  readonly memoryBytes: number;
  readonly populatedBytes: number;
}

/** Where the runs lie, and their pages. */
class Runs {
  readonly count: number;
  readonly #memory: GuestMemory;
  readonly #stridePages: number;
  #window: { readonly firstPage: number; readonly buffer: SharedArrayBuffer } | undefined;

  constructor(memory: GuestMemory, { memoryBytes, populatedBytes }: SparseOptions) {
    const runs = populatedBytes / RUN_BYTES;
    this.count = runs * RUN_PAGES;
    this.#memory = memory;
    this.#stridePages = Math.floor(memoryBytes / runs / RUN_BYTES) * RUN_PAGES;
  }

  pageAt(i: number): number {
    return Math.floor(i / RUN_PAGES) * this.#stridePages + (i % RUN_PAGES);
  }

  wordsOf(page: number): Uint32Array {
    const firstPage = page - (page % this.#stridePages);
    if (this.#window?.firstPage !== firstPage) {
      this.#window = { firstPage, buffer: this.#memory.window(firstPage * PAGE_BYTES, RUN_BYTES) };
    }
    const offset = (page - firstPage) * PAGE_BYTES;
    return new Uint32Array(this.#window.buffer, offset, PAGE_BYTES / 4);
  }
}

export class SparseGuest implements Guest {
  readonly memory: GuestMemory;
  readonly probe: GuestProbe;

  private constructor(memory: GuestMemory, runs: Runs) {
    this.memory = memory;
    this.probe = patternProbe('sparse', runs);
  }

  /** On the source. */
  static create(options: SparseOptions): SparseGuest {
    const memory = createGuestMemory([options.memoryBytes]);
    const runs = new Runs(memory, options);
    for (let i = 0; i < runs.count; i += 1) {
      const page = runs.pageAt(i);
      fillPage(runs.wordsOf(page), page);
    }
    return new SparseGuest(memory, runs);
  }

  /** On the destination. */
  static arrive(memory: GuestMemory, options: SparseOptions): SparseGuest {
    return new SparseGuest(memory, new Runs(memory, options));
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
