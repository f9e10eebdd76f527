/** A guest's memory, sets of its pages, and the trackers of what is written to it. */
import type { Releasable } from './releasable.js';

export type Backing = 'shared' | 'private';

/** A set of pages of one memory: a dirty set, a residual set. Its bits live in native memory. */
export interface PageSet {
  readonly pageCount: number;
  count(): number;
  /** In how many runs its pages lie; counts no further than `most`. */
  countRuns(most: number): number;
  /** No call that was given the set may be under way. */
  clear(): void;
}

/** `pages` pages from page `page` on. */
export interface PageRun {
  readonly page: number;
  readonly pages: number;
}

/**
 * A guest's memory. release() is for a guest that has ended, or is being ended: should a thread of it wait for a
 * page that has not come, it goes on and sees zeros.
 */
export interface GuestMemory extends Releasable {
  readonly bytes: number;
  readonly pageCount: number;
  readonly backing: Backing;
  readonly regions: readonly { readonly bytes: number; readonly pageBytes: number }[];
  /** The pages that hold anything; does not read them. */
  findPopulated(): Promise<PageSet>;
  /** Bytes of the pages that hold something. */
  populatedBytes(): Promise<number>;
  /** The same at once, as the kernel counts it, of shared memory; 0 of private memory, and once released. */
  allocatedBytes(): number;
  /**
   * Runs of pages that all hold content, as far as a sample shows: the `most` longest of those that fill whole huge
   * pages, ascending.
   */
  findDenseParts(most: number): Promise<PageRun[]>;
  /** Populates every page, so that a migration into this memory meets warm pages. */
  prefault(): Promise<void>;
  /**
   * The guest's own view of `bytes` bytes from `offset`, at most 4 GiB − 1, within one region, for this thread.
   *
   * From then on no guest arrives in this memory by post-copy or hybrid, because this thread runs its
   * migration and must not wait for its pages. Throws UNSUPPORTED while pages are still on their way.
   */
  window(offset: number, bytes: number): SharedArrayBuffer;
  /**
   * The same for a guest that runs in a Worker: post it there, where it is the same memory. This thread must
   * never touch it: while pages are on their way it would wait for itself, and for ever.
   */
  workerWindow(offset: number, bytes: number): SharedArrayBuffer;
  /** True once window() has answered. */
  readonly hasWindow: boolean;
}

export type TrackerKind = 'uffd-wp-async' | 'uffd-wp-sync' | 'mprotect';

export const TRACKER_KINDS: readonly TrackerKind[] = ['uffd-wp-async', 'uffd-wp-sync', 'mprotect'];

export interface DirtyTracker extends Releasable {
  readonly kind: TrackerKind;
  arm(): Promise<void>;
  /** Adds what was written since arm or the last harvest, and tracks it again. */
  harvest(into: PageSet): Promise<void>;
  peek(into: PageSet): Promise<void>;
  /** Done here and now when the system has no thread left for it. */
  disarm(): Promise<void>;
}
