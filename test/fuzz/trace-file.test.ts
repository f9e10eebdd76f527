/**
 * Whatever is in a file: it is read as a trace where docs/trace-format.md says that it is one, and refused with a reason
 * otherwise; and it takes no more memory than the writes that it names.
 *
 * PAGEFERRY_FUZZ_RUNS and PAGEFERRY_FUZZ_SEED: as `scripts/fuzz.mjs trace-file` sets them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { PageferryError } from '../../src/errors.js';
import type { Trace } from '../../src/trace/format.js';
import { readTrace } from '../../src/trace/read-trace.js';
import { temporaryFolder } from '../support/traces.js';
import { byteChanges, changedBytes, contents, rightContents } from './trace-contents.js';
import { judge } from './trace-rules.js';

const RUNS = Number(process.env['PAGEFERRY_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['PAGEFERRY_FUZZ_SEED'] ?? 1);
const LONG = 60_000 + RUNS * 100;

/** What a file may be refused with: none of these is a mistake of the reader's own. */
const REASONS = [
  /: it is no trace, which `pageferry trace` records$/,
  /: it is no trace that this release can read: /,
  /: it was cut short$/,
  /: something follows its end$/,
  /: a number is too (?:large|long)$/,
  // zlib's.
  /: (?:invalid|incorrect|unknown|too many|header) /,
];
/** The list of writes grows by half, is copied as it does and once more at the end; it begins with 1,024. */
const MOST_BYTES_A_WRITE = 4 * 6;
const FIRST_BYTES = 4 * 1024;

/** Undefined for a file that is refused with a reason. */
async function traceIn(path: string, bytes: Uint8Array): Promise<Trace | undefined> {
  writeFileSync(path, bytes);
  try {
    return await readTrace(path);
  } catch (error) {
    expect(error).toBeInstanceOf(PageferryError);
    const { code, message } = error as PageferryError;
    expect(code).toBe('USAGE');
    expect(
      REASONS.some((reason) => reason.test(message)),
      message,
    ).toBe(true);
    return undefined;
  }
}

/** Bytes of all lists of pages that `work` makes. */
async function bytesTaken(work: () => Promise<unknown>): Promise<number> {
  let bytes = 0;
  class Counted extends Uint32Array {
    constructor(length: number) {
      super(length);
      bytes += this.byteLength;
    }
  }
  vi.stubGlobal('Uint32Array', Counted);
  try {
    await work();
  } finally {
    vi.unstubAllGlobals();
  }
  return bytes;
}

it(
  'a file is a trace where the document says so, and takes memory for its writes alone',
  async () => {
    const path = join(temporaryFolder(), 'trace');
    const property = fc.asyncProperty(contents, async (content) => {
      const { isTrace, intervals, writes } = judge(content);
      let trace: Trace | undefined;
      const taken = await bytesTaken(async () => {
        trace = await traceIn(path, gzipSync(content));
      });
      expect(taken).toBeLessThanOrEqual(FIRST_BYTES * 2 + writes * MOST_BYTES_A_WRITE);
      expect(trace !== undefined).toBe(isTrace);
      if (trace === undefined) return;
      expect([trace.intervals.length / 2, trace.writes.length]).toEqual([intervals, writes]);
      expect(trace.writes.every((page) => page < (trace as Trace).pages)).toBe(true);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  },
  LONG,
);

it(
  'a trace whose file was changed on its way is refused, or is the same trace',
  async () => {
    const path = join(temporaryFolder(), 'trace');
    const property = fc.asyncProperty(rightContents, byteChanges, async (content, changes) => {
      const file = gzipSync(content);
      const trace = await traceIn(path, file);
      expect(trace?.writes.length).toBe(judge(content).writes);
      const other = await traceIn(path, changedBytes(file, changes));
      if (other !== undefined) expect(other).toEqual(trace);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  },
  LONG,
);
