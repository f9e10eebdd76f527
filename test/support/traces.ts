/** Trace files made by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RecordedInterval } from '../../src/trace/format.js';
import { TraceWriter } from '../../src/trace/trace-writer.js';
import { VarintWriter } from '../../src/trace/varints.js';
import { atEnd } from './at-end.js';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-test-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A whole trace file with these intervals. */
export async function traceFile(
  intervals: readonly { durationUs: number; pages: number; runs: readonly number[] }[],
): Promise<string> {
  const path = join(temporaryFolder(), 'trace');
  const writer = await TraceWriter.open(path, { method: 'digest', intervalUs: 10_000 });
  for (const { runs, ...interval } of intervals) {
    const recorded: RecordedInterval = { ...interval, runs: Uint32Array.from(runs) };
    if (!(await writer.interval(recorded))) throw new Error('the interval was not taken');
  }
  await writer.end('complete');
  return path;
}

/** The writes of a process with `pages` pages: it sweeps over a tenth of them, and twice over the first hundred. */
export function sweepingTrace(pages: number): Promise<string> {
  const tenth = Math.floor(pages / 10);
  return traceFile(
    Array.from({ length: 10 }, (_, at) => ({
      durationUs: 20_000,
      pages,
      runs: [at * tenth, tenth, 0, Math.min(100, tenth)],
    })),
  );
}

/** A file of these numbers, compressed. */
export function fileOfNumbers(numbers: readonly number[], cut = 0): string {
  const writer = new VarintWriter();
  for (const number of numbers) writer.unsigned(number);
  const path = join(temporaryFolder(), 'trace');
  const bytes = gzipSync(writer.take());
  writeFileSync(path, bytes.subarray(0, bytes.length - cut));
  return path;
}
