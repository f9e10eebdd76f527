/** Records which pages a running process writes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asPageferryError, nativeCode, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ProcessTrace } from '../native/processes.js';
import type { EndReason, TraceMethod } from './format.js';
import { type TraceSums, TraceWriter } from './trace-writer.js';

export interface RecordOptions {
  readonly pid: number;
  readonly path: string;
  readonly durationMs: number;
  readonly intervalMs: number;
  /** Ends the recording early; the file is whole then, too. */
  readonly signal: AbortSignal;
  onStart(start: { readonly method: TraceMethod }): void;
  onInterval(progress: TraceProgress): void;
}

export interface TraceProgress extends TraceSums {
  readonly elapsedMs: number;
  /** Of the interval that just ended. */
  readonly intervalMs: number;
  readonly pagesWritten: number;
  /** How long the last look at the process took. */
  readonly lookMs: number;
}

export interface RecordedTrace extends TraceSums {
  readonly method: TraceMethod;
  readonly reason: EndReason;
  readonly durationMs: number;
}

/**
 * On return the file is whole and in its place, also when the process has ended meanwhile or `signal` was aborted.
 * Rejects, and leaves no file, when there is nothing to record or no way to write it.
 */
export async function recordTrace(options: RecordOptions): Promise<RecordedTrace> {
  const { pid, path, intervalMs } = options;
  const process = await startTrace(pid);
  try {
    const { method } = process;
    const writer = await TraceWriter.open(path, {
      method,
      intervalUs: Math.round(intervalMs * 1000),
    }).catch((error) => {
      throw cannotWrite(path, error);
    });
    try {
      options.onStart({ method });
      const startedAt = performance.now();
      const reason = await recordIntervals(process, writer, options);
      const durationMs = performance.now() - startedAt;
      await writer.end(reason);
      return { ...writer.sums, method, reason, durationMs };
    } catch (error) {
      writer.discard();
      throw error instanceof PageferryError ? error : cannotWrite(path, error);
    }
  } finally {
    process.release();
  }
}

async function startTrace(pid: number): Promise<ProcessTrace> {
  try {
    return await binding.startProcessTrace(pid);
  } catch (error) {
    throw asPageferryError(error, `process ${pid} cannot be recorded`);
  }
}

function cannotWrite(path: string, error: unknown): PageferryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PageferryError('USAGE', `cannot write the trace to ${path}: ${reason}`, {
    cause: error,
  });
}

/** Intervals begin at fixed times. One that a look has overrun begins late, and none is made up for. */
async function recordIntervals(
  process: ProcessTrace,
  writer: TraceWriter,
  { pid, durationMs, intervalMs, signal, onInterval }: RecordOptions,
): Promise<EndReason> {
  const startedAt = performance.now();
  let lookedAt = startedAt;
  while (lookedAt - startedAt < durationMs) {
    const wait = Math.min(lookedAt + intervalMs, startedAt + durationMs) - performance.now();
    await sleep(Math.max(0, wait), undefined, { signal }).catch(() => {});
    const now = performance.now();
    const look = await process.look().catch((error) => {
      if (nativeCode(error) === 'PEER_CLOSED') return undefined;
      throw asPageferryError(error, `process ${pid} cannot be recorded any further`);
    });
    if (look === undefined) return 'process-ended';
    const lookMs = performance.now() - now;
    const durationUs = Math.round((now - lookedAt) * 1000);
    const before = writer.sums.writes;
    if (!(await writer.interval({ ...look, durationUs }))) return 'full';
    const pagesWritten = writer.sums.writes - before;
    onInterval({
      ...writer.sums,
      elapsedMs: now - startedAt,
      intervalMs: now - lookedAt,
      pagesWritten,
      lookMs,
    });
    lookedAt = now;
    if (signal.aborted) return 'interrupted';
  }
  return 'complete';
}
