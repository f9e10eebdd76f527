/**
 * A guest of an embedder's own, written in TypeScript: it counts in random pages of several regions, on the
 * JavaScript thread. That thread then takes the write and demand faults itself, as a native engine must be
 * able to bear.
 */
import type { Guest, GuestFactory, GuestProbe } from '../../src/guest/guest.js';
import type { GuestMemory, Verification } from '../../src/native/binding.js';
import { type Random, seededRandom } from './random.js';

const PAGE_BYTES = 4096;
const WORDS = PAGE_BYTES / 4;
const OPERATIONS_PER_TURN = 64;

export class CountingGuest implements Guest {
  readonly memory: GuestMemory;
  readonly probe: GuestProbe;
  readonly #pages: readonly Uint32Array[];
  #random: Random = seededRandom(1);
  /** How often each page was written: what verification expects. */
  #writes: Uint32Array;
  #turn: NodeJS.Immediate | undefined;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.#writes = new Uint32Array(memory.pageCount);
    let offset = 0;
    const pages: Uint32Array[] = [];
    for (const { bytes } of memory.regions) {
      const words = new Uint32Array(memory.window(offset, bytes));
      for (let at = 0; at < words.length; at += WORDS) pages.push(words.subarray(at, at + WORDS));
      offset += bytes;
    }
    this.#pages = pages;
    this.probe = {
      workload: 'counting',
      startGapWatch: () => {},
      observe: () => ({ operations: this.#operations(), longestGapMs: 0 }),
      setTimeAway: () => {},
      verify: async () => this.#verify(),
    };
  }

  static readonly arrive: GuestFactory = async (memory) => new CountingGuest(memory);

  async pause(): Promise<void> {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  async resume(): Promise<void> {
    this.#random = seededRandom(this.#operations());
    this.#turn ??= setImmediate(() => this.#run());
  }

  async saveState(): Promise<Uint8Array> {
    return new Uint8Array(this.#writes.buffer.slice(0));
  }

  async loadState(state: Uint8Array): Promise<void> {
    this.#writes = new Uint32Array(Uint8Array.from(state).buffer);
  }

  discard(): void {
    void this.pause();
  }

  #operations(): number {
    return this.#writes.reduce((sum, writes) => sum + writes, 0);
  }

  #run(): void {
    for (let i = 0; i < OPERATIONS_PER_TURN; i += 1) {
      const page = this.#random.whole(0, this.#pages.length - 1);
      const words = this.#pages[page] as Uint32Array;
      const writes = this.#writes[page] as number;
      // A read and a write: one that was lost is missing for ever.
      words[writes % WORDS] = (words[writes % WORDS] as number) + 1 + page;
      this.#writes[page] = writes + 1;
    }
    this.#turn = setImmediate(() => this.#run());
  }

  #verify(): Verification {
    const isRight = (words: Uint32Array, page: number) => {
      const writes = this.#writes[page] as number;
      return words.every(
        (word, at) =>
          word === Math.ceil((writes - at) / WORDS) * (1 + page) || (writes <= at && word === 0),
      );
    };
    const wrong = this.#pages.flatMap((words, page) => (isRight(words, page) ? [] : [page]));
    return {
      pagesCompared: this.#pages.length,
      pagesDifferent: wrong.length,
      firstDifferentPage: wrong[0] ?? null,
      failedReads: 0,
    };
  }
}
