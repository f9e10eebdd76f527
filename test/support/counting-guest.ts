/**
 * Guests of an embedder's own, written in TypeScript: they count in random pages of several regions, one on the
 * JavaScript thread and one in a Worker. The thread that runs them takes the write and demand faults itself.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Guest, GuestFactory, GuestProbe } from '../../src/guest/guest.js';
import type { GuestMemory } from '../../src/native/memory.js';
import type { Verification } from '../../src/native/workload.js';
import { type Random, seededRandom } from './random.js';

const PAGE_BYTES = 4096;
const WORDS = PAGE_BYTES / 4;
const OPERATIONS_PER_TURN = 64;

type Window = (offset: number, bytes: number) => SharedArrayBuffer;

function regionsOf(memory: GuestMemory, window: Window): SharedArrayBuffer[] {
  let offset = 0;
  return memory.regions.map(({ bytes }) => {
    offset += bytes;
    return window(offset - bytes, bytes);
  });
}

function pagesOf(memory: GuestMemory): Uint32Array[] {
  return regionsOf(memory, (...range) => memory.window(...range)).flatMap((region) => {
    const words = new Uint32Array(region);
    return Array.from({ length: words.length / WORDS }, (_, page) =>
      words.subarray(page * WORDS, (page + 1) * WORDS),
    );
  });
}

abstract class Counting implements Guest {
  readonly probe: GuestProbe;
  /** How often each page was written: what verification expects. */
  protected readonly writes: Uint32Array;

  constructor(readonly memory: GuestMemory) {
    this.writes = new Uint32Array(new SharedArrayBuffer(4 * memory.pageCount));
    this.probe = {
      workload: 'counting',
      startGapWatch: () => {},
      observe: () => ({ operations: this.operations(), longestGapMs: 0 }),
      setTimeAway: () => {},
      verify: async () => this.#verify(),
    };
  }

  abstract pause(): Promise<void>;
  abstract resume(): Promise<void>;
  abstract discard(): void;

  async saveState(): Promise<Uint8Array> {
    return new Uint8Array(Uint32Array.from(this.writes).buffer);
  }

  async loadState(state: Uint8Array): Promise<void> {
    this.writes.set(new Uint32Array(Uint8Array.from(state).buffer));
  }

  protected operations(): number {
    return this.writes.reduce((sum, writes) => sum + writes, 0);
  }

  #verify(): Verification {
    const pages = pagesOf(this.memory);
    const isRight = (words: Uint32Array, page: number) => {
      const writes = this.writes[page] as number;
      return words.every(
        (word, at) =>
          word === Math.ceil((writes - at) / WORDS) * (1 + page) || (writes <= at && word === 0),
      );
    };
    const wrong = pages.flatMap((words, page) => (isRight(words, page) ? [] : [page]));
    return {
      pagesCompared: pages.length,
      pagesDifferent: wrong.length,
      firstDifferentPage: wrong[0] ?? null,
      failedReads: 0,
    };
  }
}

export class CountingGuest extends Counting {
  static readonly arrive: GuestFactory = async (memory) => new CountingGuest(memory);
  readonly #pages = pagesOf(this.memory);
  #random: Random = seededRandom(1);
  #turn: NodeJS.Immediate | undefined;

  async pause(): Promise<void> {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  async resume(): Promise<void> {
    this.#random = seededRandom(this.operations());
    this.#turn ??= setImmediate(() => this.#run());
  }

  discard(): void {
    void this.pause();
  }

  #run(): void {
    for (let i = 0; i < OPERATIONS_PER_TURN; i += 1) {
      const page = this.#random.whole(0, this.#pages.length - 1);
      const words = this.#pages[page] as Uint32Array;
      const writes = this.writes[page] as number;
      // A read and a write: one that was lost is missing for ever.
      words[writes % WORDS] = (words[writes % WORDS] as number) + 1 + page;
      this.writes[page] = writes + 1;
    }
    this.#turn = setImmediate(() => this.#run());
  }
}

export class CountingWorkerGuest extends Counting {
  static readonly arrive: GuestFactory = async (memory) => new CountingWorkerGuest(memory);
  readonly #worker = new Worker(new URL('counting-worker.mjs', import.meta.url), {
    workerData: {
      regions: regionsOf(this.memory, (...range) => this.memory.workerWindow(...range)),
      writes: this.writes,
    },
  });

  async pause(): Promise<void> {
    this.#worker.postMessage('pause');
    await once(this.#worker, 'message');
  }

  async resume(): Promise<void> {
    this.#worker.postMessage('resume');
  }

  discard(): void {
    void this.#worker.terminate();
  }
}
