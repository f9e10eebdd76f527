import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PageferryError } from '../../src/errors.js';
import { TRACE_LIMITS, TRACE_MAGIC } from '../../src/trace/format.js';
import { readTrace } from '../../src/trace/read-trace.js';
import { TraceWriter } from '../../src/trace/trace-writer.js';
import { fileOfNumbers, temporaryFolder, traceFile } from '../support/traces.js';
import { rejection } from '../support/until.js';

const HEAD = [...TRACE_MAGIC].map((letter) => letter.charCodeAt(0)).concat(1, 2, 1000);
const INTERVAL = [1, 500, 8, 2, 4, 2, 3, 1]; // Of 8 pages 2 and 3; then, a gap of −2 after 3's end, page 2.
const END = [2, 0, 1, 8, 3];

async function refusal(path: string): Promise<string> {
  const error = await rejection(readTrace(path));
  expect(error).toBeInstanceOf(PageferryError);
  expect((error as PageferryError).code).toBe('USAGE');
  expect((error as PageferryError).message).toContain(path);
  return (error as PageferryError).message;
}

describe('a trace file', () => {
  it('is read as it was written, whatever the order of its runs', async () => {
    const path = await traceFile([
      { durationUs: 100, pages: 1000, runs: [900, 3, 0, 1, 500, 2] },
      { durationUs: 7, pages: 1000, runs: [] },
      { durationUs: 250_000, pages: 300_000, runs: [299_999, 1] },
    ]);
    expect(await readTrace(path)).toEqual({
      method: 'digest',
      intervalUs: 10_000,
      pages: 300_000,
      reason: 'complete',
      intervals: Float64Array.of(100_000, 6, 107_000, 6, 250_107_000, 7),
      writes: Uint32Array.of(900, 901, 902, 0, 500, 501, 299_999),
    });
  });

  it('is the same when it was made by hand from the document', async () => {
    const trace = await readTrace(fileOfNumbers([...HEAD, ...INTERVAL, ...END]));
    expect([...trace.writes]).toEqual([2, 3, 2]);
    expect([...trace.intervals]).toEqual([500_000, 3]);
  });

  it('is not there before its end, and nothing of it when it is given up', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'trace');
    const writer = await TraceWriter.open(path, { method: 'digest', intervalUs: 1 });
    await writer.interval({ durationUs: 1, pages: 1, runs: Uint32Array.of(0, 1) });
    expect(readdirSync(folder)).not.toContain('trace');
    writer.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the place of an older one only when it is whole', async () => {
    const path = await traceFile([{ durationUs: 1, pages: 1, runs: [0, 1] }]);
    const before = readFileSync(path);
    const writer = await TraceWriter.open(path, { method: 'digest', intervalUs: 1 });
    expect(readFileSync(path).equals(before)).toBe(true);
    await writer.end('interrupted');
    expect((await readTrace(path)).reason).toBe('interrupted');
    expect(readdirSync(dirname(path))).toEqual(['trace']);
  });

  it('takes no interval beyond the limits', async () => {
    const path = join(temporaryFolder(), 'trace');
    const writer = await TraceWriter.open(path, { method: 'digest', intervalUs: 1 });
    const pages = TRACE_LIMITS.writes;
    const all = { durationUs: 1, pages, runs: Uint32Array.of(0, pages) };
    expect(await writer.interval(all)).toBe(true);
    expect(await writer.interval({ ...all, runs: Uint32Array.of(0, 1) })).toBe(false);
    await writer.end('full');
    expect(writer.sums).toEqual({ intervals: 1, pages, writes: pages });
  });
});

describe('a file that is no trace', () => {
  it.each<[string, readonly number[], RegExp]>([
    ['it is empty', [], /cut short/],
    ['it begins otherwise', [80, 71], /does not begin as one/],
    ['it has another version', [...HEAD.slice(0, 8), 2], /version 2.* reads version 1/],
    ['its method is unknown', [...HEAD.slice(0, 9), 3], /says 3/],
    ['it has no end', [...HEAD, ...INTERVAL], /cut short/],
    ['something follows its end', [...HEAD, ...INTERVAL, ...END, 1], /follows its end/],
    ['its end tells of other sums', [...HEAD, ...INTERVAL, 2, 0, 1, 8, 4], /does not match/],
    ['it has a record of no known kind', [...HEAD, 3], /says 3/],
    ['a run ends beyond its pages', [...HEAD, 1, 500, 8, 1, 14, 2], /outside of its pages/],
    ['a run begins before page 0', [...HEAD, 1, 500, 8, 1, 1, 2], /outside of its pages/],
    ['a run is empty', [...HEAD, 1, 500, 8, 1, 0, 0], /outside of its pages/],
    ['it has too many pages', [...HEAD, 1, 500, 2 ** 28 + 1], /pages are/],
    ['an interval is too long', [...HEAD, 1, 3_600_000_001], /durationUs are/],
    [
      'its writes are too many',
      [...HEAD, 1, 500, 2 ** 28, 2, 0, 2 ** 26, 0, 1],
      /writes are 67108865/,
    ],
    ['its pages become fewer', [...HEAD, 1, 1, 8, 0, 1, 1, 7, 0], /become fewer/],
  ])('is refused: %s', async (_what, numbers, why) => {
    expect(await refusal(fileOfNumbers(numbers))).toMatch(why);
  });

  it('is refused wherever it was cut', async () => {
    for (const cut of [1, 5, 9, 15]) {
      expect(await refusal(fileOfNumbers([...HEAD, ...INTERVAL, ...END], cut))).toMatch(
        /cut short/,
      );
    }
  });

  it('is refused when a number in it does not end', async () => {
    const path = fileOfNumbers([...HEAD, 1, Number.MAX_SAFE_INTEGER]);
    expect(await refusal(path)).toMatch(/durationUs/);
  });

  it('is refused when it is text, a folder, or not there', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'text'), 'what a surprise');
    expect(await refusal(join(folder, 'text'))).toMatch(/it is no trace/);
    expect(await refusal(folder)).toMatch(/it is no file/);
    expect(await refusal(join(folder, 'nothing'))).toMatch(/ENOENT/);
  });
});
