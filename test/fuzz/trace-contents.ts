/** Contents of trace files: right ones, right ones that were changed, and any. */
import fc from 'fast-check';
import { VarintWriter } from '../../src/trace/varints.js';

const HEAD = [...Buffer.from('PFTRACE\n')].concat(1, 2, 1000);

/** At the limits of the format and of a number, and one past; few are so large that it takes long to read them. */
const EDGES = [0x7f, 0x80, 2 ** 20, 2 ** 20 + 1, 2 ** 26 + 1, 2 ** 28, 2 ** 28 + 1, 2 ** 32];
const LAST_EDGES = [3_600_000_000, 3_600_000_001, Number.MAX_SAFE_INTEGER];
const numbers = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 16 }) },
  fc.nat({ max: 2 ** 16 }),
  fc.constantFrom(...EDGES, ...LAST_EDGES),
);

/** A share of what there is, or a run that nobody may write. */
type Length = number | 'beyond-its-pages' | 'too-many-writes';

interface Interval {
  readonly durationUs: number;
  readonly grow: number;
  /** Where a run begins, as a share of what there is, and how long it is. */
  readonly runs: readonly (readonly [number, Length])[];
}

const LONGEST_RUN = 3000;
const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function intervals(grow: fc.Arbitrary<number>, length: fc.Arbitrary<Length>) {
  const runs = fc.array(fc.tuple(part, length), { maxLength: 5 });
  const durationUs = fc.nat({ max: 3_600_000_000 });
  return fc.array(fc.record({ durationUs, grow, runs }), { maxLength: 6 });
}

function lengthOf(length: Length, left: number): number {
  if (length === 'beyond-its-pages') return left + 1;
  if (length === 'too-many-writes') return 2 ** 26 + 1;
  return 1 + Math.floor(length * Math.min(left, LONGEST_RUN));
}

/** The numbers of a file with these intervals, whose end says what they hold. */
function numbersOf(all: readonly Interval[]): number[] {
  const result = [...HEAD];
  let [pages, writes] = [0, 0];
  for (const { durationUs, grow, runs } of all) {
    pages = Math.max(1, pages + grow);
    result.push(1, durationUs, pages, runs.length);
    let end = 0;
    for (const [begin, length] of runs) {
      const first = Math.floor(begin * pages);
      const gap = first - end;
      end = first + lengthOf(length, pages - first);
      result.push(gap < 0 ? -2 * gap - 1 : 2 * gap, end - first);
      writes += end - first;
    }
  }
  return result.concat(2, 0, all.length, pages, writes);
}

const growing = fc.integer({ min: 1, max: LONGEST_RUN });
const right = intervals(growing, part).map(numbersOf);
const nearlyRight = intervals(
  fc.oneof({ weight: 5, arbitrary: growing }, fc.constantFrom(-1, 2 ** 27, 2 ** 28)),
  fc.oneof(
    { weight: 8, arbitrary: part },
    fc.constantFrom<Length>('beyond-its-pages', 'too-many-writes'),
  ),
).map(numbersOf);

interface Change {
  readonly what: 'replace' | 'insert' | 'delete';
  readonly at: number;
  readonly value: number;
}

function changed(all: readonly number[], changes: readonly Change[]): number[] {
  const result = [...all];
  for (const { what, at, value } of changes) {
    // One past the last, too: something may follow the end.
    const index = Math.floor(at * (result.length + 1));
    result.splice(index, what === 'insert' ? 0 : 1, ...(what === 'delete' ? [] : [value]));
  }
  return result;
}

function changes(value: fc.Arbitrary<number>): fc.Arbitrary<Change[]> {
  const what = fc.constantFrom<Change['what']>('replace', 'insert', 'delete');
  return fc.array(fc.record({ what, at: part, value }), { minLength: 1, maxLength: 3 });
}

function bytesOf(all: readonly number[]): Uint8Array {
  const writer = new VarintWriter();
  for (const number of all) writer.unsigned(number);
  return writer.take();
}

/** Changes of single bytes. */
export const byteChanges = changes(fc.nat({ max: 0xff }));

export function changedBytes(bytes: Uint8Array, some: readonly Change[]): Uint8Array {
  return Uint8Array.from(changed([...bytes], some));
}

const ofNumbers = fc.oneof(
  nearlyRight,
  fc.tuple(right, changes(numbers)).map(([all, some]) => changed(all, some)),
  fc.array(numbers).map((all) => [...HEAD, ...all]),
);

export const rightContents = right.map(bytesOf);
export const contents = fc.oneof(
  { weight: 4, arbitrary: ofNumbers.map(bytesOf) },
  fc.tuple(rightContents, byteChanges).map(([all, some]) => changedBytes(all, some)),
  fc.uint8Array(),
);
