// A guest that measures its own demand faults: after it has arrived it reads every page in random order, in a
// Worker (touch-worker.ts), and times each read in the thread that faulted.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createGuestMemory, type Guest, type GuestMemory, type GuestProbe } from '#engine/index.js';
import { fillPage, patternProbe } from './page-pattern.js';

const PAGE_BYTES = 4096;

export interface TouchOptions {
  readonly memoryBytes: number;
  /** Reads with `pauseMs` before each, and as many without a pause. */
  readonly touches: number;
  readonly pauseMs: number;
}

/** Of some reads, ascending, in microseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly tookUs: readonly number[];
}

export interface TouchLatencies {
  readonly paced: Latencies;
  readonly backToBack: Latencies;
}

/** What the Worker is told. */
export interface TouchWork extends Omit<TouchOptions, 'memoryBytes'> {
  readonly window: SharedArrayBuffer;
}

function pageOf(words: Uint32Array, page: number): Uint32Array {
  const from = (page * PAGE_BYTES) / 4;
  return words.subarray(from, from + PAGE_BYTES / 4);
}

type OnFailure = (error: unknown) => void;

export class TouchGuest implements Guest {
  readonly memory: GuestMemory;
  readonly probe: GuestProbe;
  /** Resolves on the destination once every page was read. */
  finished: Promise<TouchLatencies> | undefined;
  /** On the destination only. */
  readonly #arrived: { readonly worker: Worker; readonly onFailure: OnFailure } | undefined;

  constructor(memory: GuestMemory, worker?: Worker, onFailure: OnFailure = () => {}) {
    this.memory = memory;
    let words: Uint32Array | undefined;
    this.probe = patternProbe('touch', {
      count: memory.pageCount,
      pageAt: (i) => i,
      wordsOf(page) {
        // A guest that arrives must not have a window before its pages are there.
        words ??= new Uint32Array(memory.window(0, memory.bytes));
        return pageOf(words, page);
      },
    });
    this.#arrived = worker === undefined ? undefined : { worker, onFailure };
  }

  /** On the source. */
  static create({ memoryBytes }: TouchOptions): TouchGuest {
    const memory = createGuestMemory([memoryBytes]);
    const words = new Uint32Array(memory.window(0, memoryBytes));
    for (let page = 0; page < memory.pageCount; page += 1) fillPage(pageOf(words, page), page);
    return new TouchGuest(memory);
  }

  /** On the destination. */
  static async arrive(
    memory: GuestMemory,
    { touches, pauseMs }: TouchOptions,
    onFailure: OnFailure,
  ): Promise<TouchGuest> {
    const window = memory.workerWindow(0, memory.bytes);
    const worker = new Worker(new URL('touch-worker.js', import.meta.url), {
      workerData: { window, touches, pauseMs } satisfies TouchWork,
    });
    await once(worker, 'online');
    return new TouchGuest(memory, worker, onFailure);
  }

  /** On the destination it is compared then, which must not disturb its reads. */
  async pause(): Promise<void> {
    await this.finished;
  }

  async resume(): Promise<void> {
    if (this.#arrived === undefined || this.finished !== undefined) return;
    const { worker, onFailure } = this.#arrived;
    worker.postMessage('run');
    // Rejects with what the Worker throws.
    this.finished = once(worker, 'message').then(([found]: TouchLatencies[]) => {
      if (found === undefined) throw new Error('the guest read nothing');
      return found;
    });
    this.finished.catch(onFailure);
  }

  async saveState(): Promise<Uint8Array> {
    return new Uint8Array();
  }

  async loadState(): Promise<void> {}

  discard(): void {
    this.#arrived?.worker.terminate();
    this.memory.release();
  }
}
