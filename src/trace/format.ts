/** The trace file's constants and what a trace is: docs/trace-format.md. */

export const TRACE_MAGIC = 'PFTRACE\n';
export const TRACE_VERSION = 1;

export const TRACE_METHODS = { 'soft-dirty': 1, digest: 2 } as const;
export type TraceMethod = keyof typeof TRACE_METHODS;

export const RECORD_KINDS = { interval: 1, end: 2 } as const;

export const END_REASONS = {
  complete: 0,
  interrupted: 1,
  'process-ended': 2,
  full: 3,
} as const;
export type EndReason = keyof typeof END_REASONS;

export const TRACE_LIMITS = {
  intervals: 2 ** 20,
  pages: 2 ** 28,
  writes: 2 ** 26,
  durationUs: 3_600_000_000,
} as const;

export interface TraceHead {
  readonly method: TraceMethod;
  /** As it was asked for. */
  readonly intervalUs: number;
}

/** One interval of a recording; `runs` are pairs of first page and length, in the order of their addresses. */
export interface RecordedInterval {
  readonly durationUs: number;
  /** Indices that there are by its end. */
  readonly pages: number;
  readonly runs: Uint32Array;
}

/** A whole trace in memory. */
export interface Trace extends TraceHead {
  readonly pages: number;
  readonly reason: EndReason;
  /** Per interval two numbers, counted from the start: the nanosecond of its end, and the writes up to then. */
  readonly intervals: Float64Array;
  /** The page of each write. */
  readonly writes: Uint32Array;
}

/** How many pages the runs have. */
export function pagesOfRuns(runs: Uint32Array): number {
  let pages = 0;
  for (let at = 1; at < runs.length; at += 2) pages += runs[at] ?? 0;
  return pages;
}
