/** The built-in guests. */
import type { Releasable } from './releasable.js';

export type WorkloadName = 'idle' | 'sequential' | 'uniform' | 'hotset' | 'zipf' | 'phased' | 'kv';

export const WORKLOAD_NAMES: readonly WorkloadName[] = [
  'idle',
  'sequential',
  'uniform',
  'hotset',
  'zipf',
  'phased',
  'kv',
];

export interface NativeWorkloadConfig {
  readonly workload: WorkloadName | 'trace' | 'snapshots';
  readonly workingSetBytes: number;
  readonly writesPerSecond: number;
  readonly writeBytes: number;
  readonly threads: number;
  readonly seed: number;
  readonly fill: 'zero' | 'random' | 'text' | 'file' | 'process' | 'image';
  /** Of a file or an image. */
  readonly path?: string;
  readonly pid?: number;
}

/** A trace for a guest to replay: src/trace/format.ts. */
export interface NativeTrace {
  readonly pages: number;
  readonly intervals: Float64Array;
  readonly writes: Uint32Array;
}

export interface Verification {
  readonly pagesCompared: number;
  readonly pagesDifferent: number;
  readonly firstDifferentPage: number | null;
  readonly failedReads: number;
}

export interface Workload extends Releasable {
  description(): Uint8Array;
  config(): Omit<NativeWorkloadConfig, 'path' | 'pid'>;
  /** What its memory was filled with, for people; empty on a guest that arrived. */
  fillSummary(): string;
  resume(): void;
  /** CLOCK_MONOTONIC: when resume() last let the guest threads run. */
  resumedAtNs(): bigint;
  pause(): Promise<void>;
  saveState(): Uint8Array;
  loadState(state: Uint8Array): void;
  progress(): { readonly operations: number; readonly pageWrites: number };
  startGapWatch(): void;
  longestGapMs(): number;
  /** So far apart the marks of a guest thread may be while nothing disturbs it. */
  gapResolutionMs(): number;
  /** Of a guest that arrived: its longest gaps before, across and after the switchover. */
  gapsAroundArrivalMs(): {
    readonly before: number;
    readonly across: number;
    readonly after: number;
  };
  setTimeAway(nanoseconds: number): void;
  /** Compares so many pages, one from each of as many equal parts of the memory; `seed` chooses which. */
  verify(
    threads: number,
    sample: { readonly pages: number; readonly seed: number },
  ): { readonly result: Promise<Verification>; cancel(): void };
}
