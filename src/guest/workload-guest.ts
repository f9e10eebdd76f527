/** The built-in guests: deterministic programs whose memory can be recomputed and compared. */

import { randomInt } from 'node:crypto';
import { cpus } from 'node:os';
import { asArgumentError, errnoOf, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { GuestMemory } from '../native/memory.js';
import type { Verification, Workload, WorkloadName } from '../native/workload.js';
import type { Trace } from '../trace/format.js';
import { readTrace } from '../trace/read-trace.js';
import { PAGE_BYTES } from '../units.js';
import type { Guest, GuestFactory, GuestObservation, GuestProbe } from './guest.js';

/**
 * The initial content of a guest's memory. `process` copies a running process's resident memory, and `image` what
 * `pageferry capture` has written of one.
 */
export type Fill =
  | { readonly kind: 'zero' }
  | { readonly kind: 'random' }
  | { readonly kind: 'text' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'image'; readonly path: string };

/**
 * What runs in a guest: a program, the writes of a process that `pageferry trace` has recorded to a file, or the
 * changes between the snapshots of the image that it is filled with.
 */
export type WorkloadChoice =
  | WorkloadName
  | { readonly kind: 'trace'; readonly path: string }
  | { readonly kind: 'snapshots' };

export interface WorkloadOptions {
  readonly workload: WorkloadChoice;
  /**
   * Total guest memory, a multiple of 4096. A captured fill (file, process, image) and a trace take some of it, at its
   * end. `memoryForTrace()` is what a trace needs; with less it is scaled down. `memoryForImage()` is what has room for
   * all of an image; a guest that goes through its snapshots needs that.
   */
  readonly memoryBytes: number;
  /** How much of it the guest writes; all of it by default. Not for a trace or snapshots. */
  readonly workingSetBytes?: number;
  /** Page writes per second of all threads; unlimited by default. Not for a trace or snapshots. */
  readonly writesPerSecond?: number;
  /** Bytes changed by a page write: 8 … 4096, a multiple of 8; 64 by default. Snapshots change what they do. */
  readonly writeBytes?: number;
  /** Guest threads; 1 by default, and always for a trace or snapshots. */
  readonly threads?: number;
  readonly seed?: number;
  readonly fill?: Fill;
}

/** Of the choice of pages to compare: another one each time finds more than the same one always. */
const MOST_SEED = 2 ** 32;

export class WorkloadGuest implements Guest {
  readonly memory: GuestMemory;
  readonly probe: GuestProbe;
  readonly #workload: Workload;
  #isRunning = false;
  #pausing: Promise<void> = Promise.resolve();

  private constructor(memory: GuestMemory, workload: Workload) {
    this.memory = memory;
    this.#workload = workload;
    this.probe = {
      workload: workload.config().workload,
      fill: workload.fillSummary() || null,
      gapResolutionMs: workload.gapResolutionMs(),
      startGapWatch: () => workload.startGapWatch(),
      observe: (): GuestObservation => ({
        operations: workload.progress().operations,
        longestGapMs: workload.longestGapMs(),
      }),
      setTimeAway: (nanoseconds) => workload.setTimeAway(nanoseconds),
      resumedAtNs: () => workload.resumedAtNs(),
      verify: (pages = memory.pageCount): Promise<Verification> => {
        const sample = { pages, seed: randomInt(MOST_SEED) };
        return workload.verify(cpus().length, sample).result;
      },
    };
  }

  /** A new guest with its initial content in place; not running yet. */
  static async create(options: WorkloadOptions): Promise<WorkloadGuest> {
    const fill = options.fill ?? { kind: 'zero' };
    let memory: GuestMemory | undefined;
    try {
      const trace = await traceOf(options);
      memory = binding.createGuestMemory([options.memoryBytes]);
      const config = {
        workload: nameOf(options.workload),
        workingSetBytes: options.workingSetBytes ?? 0,
        writesPerSecond: options.writesPerSecond ?? 0,
        writeBytes: options.writeBytes ?? 64,
        threads: options.threads ?? 1,
        seed: options.seed ?? 1,
        fill: fill.kind,
        ...('path' in fill ? { path: fill.path } : {}),
        ...(fill.kind === 'process' ? { pid: fill.pid } : {}),
      };
      const workload = await binding.createWorkload(memory, config, trace);
      return new WorkloadGuest(memory, workload);
    } catch (error) {
      memory?.release();
      throw explainRefusal(error);
    }
  }

  /** The factory for a destination that takes built-in guests. */
  static readonly arrive: GuestFactory = WorkloadGuest.arriveWith([]);

  /**
   * The same for one that takes guests that go through the snapshots of these image files, too: such a guest does on the
   * destination what the same file says there. One that needs another image is refused with UNSUPPORTED. The files are
   * read as soon as this is called, and guests that arrive wait for that: what cannot be read refuses them.
   */
  static arriveWith(images: readonly string[]): GuestFactory {
    const opened = Promise.all(images.map((path) => binding.openImage(path)));
    opened.catch(() => {}); // Whoever arrives is told.
    return async (memory, description) =>
      new WorkloadGuest(memory, await binding.arriveWorkload(memory, description, await opened));
  }

  /**
   * Milliseconds. On the destination, once the guest runs: the longest gaps that ended on the source, that
   * span the switchover, and that began here.
   */
  gapsAroundArrivalMs(): { before: number; across: number; after: number } {
    return this.#workload.gapsAroundArrivalMs();
  }

  /** Its threads alone do. */
  get kernelTouches(): boolean {
    return false;
  }

  describe(): Uint8Array {
    return this.#workload.description();
  }

  /** Ends the guest threads and lets the memory go. The guest is of no further use. Idempotent. */
  discard(): void {
    this.#workload.release();
    this.memory.release();
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  async pause(): Promise<void> {
    this.#isRunning = false;
    this.#pausing = this.#workload.pause();
    await this.#pausing;
  }

  /** A guest thread that waits for a page holds a pause up. What is asked last counts: then it runs. */
  async resume(): Promise<void> {
    this.#isRunning = true;
    await this.#pausing.catch(() => {});
    if (this.#isRunning) this.#workload.resume();
  }

  async saveState(): Promise<Uint8Array> {
    return this.#workload.saveState();
  }

  async loadState(state: Uint8Array): Promise<void> {
    this.#workload.loadState(state);
  }
}

/** `trace` for a trace of whatever path. */
function nameOf(workload: WorkloadChoice): WorkloadName | 'trace' | 'snapshots' {
  return typeof workload === 'string' ? workload : workload.kind;
}

async function traceOf({ workload, workingSetBytes }: WorkloadOptions): Promise<Trace | undefined> {
  if (typeof workload === 'string') return undefined;
  if (workingSetBytes !== undefined && workingSetBytes !== 0) {
    const which = workload.kind === 'trace' ? 'a trace says itself' : 'snapshots say themselves';
    throw new PageferryError('USAGE', `${which} which pages are written: no working set`);
  }
  if (workload.kind === 'snapshots') return undefined;
  return await readTrace(workload.path);
}

/** The least memory, in bytes, in which a guest with this fill replays the trace unscaled. */
export function memoryForTrace(trace: Trace, fill: Fill): number {
  const captured = fill.kind === 'file' || fill.kind === 'process' || fill.kind === 'image';
  const intervals = trace.intervals.length / 2;
  return (
    PAGE_BYTES * binding.pagesWithAppendix(trace.pages, captured, intervals, trace.writes.length)
  );
}

/**
 * The least memory, in bytes, of a guest that begins with all pages of this image. Throws USAGE for a file that is
 * none, or is damaged.
 */
export async function memoryForImage(path: string, workload: WorkloadChoice): Promise<number> {
  try {
    const { pages } = await binding.describeImage(path);
    const hasDigests = typeof workload === 'string' || workload.kind !== 'snapshots';
    return PAGE_BYTES * binding.pagesWithAppendix(pages, hasDigests, 0, 0);
  } catch (error) {
    throw explainRefusal(error);
  }
}

/** What opening and reading a path that the caller chose may fail with. */
const PATH_ERRORS = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'ENODEV'];

function explainRefusal(error: unknown): PageferryError {
  const explained = asArgumentError(error, 'cannot create the guest');
  if (!PATH_ERRORS.includes(errnoOf(error))) return explained;
  return new PageferryError('USAGE', explained.message, { cause: error });
}
