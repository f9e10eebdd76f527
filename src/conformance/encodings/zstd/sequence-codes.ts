/** What the codes of sequences stand for: RFC 8878, section 3.1.1.3.2.1.1, and their tables of section 3.1.1.3.2.2. */
import { buildFseTable, type FseTable } from './fse.js';

/** A code is a number from `base` on, by so many bits more. */
interface Code {
  readonly base: number;
  readonly bits: number;
}

export interface CodeKind {
  readonly name: string;
  readonly codes: readonly Code[];
  readonly mostAccuracyLog: number;
  readonly predefined: FseTable;
}

/** Codes that follow each other without gaps, from their bits. */
function codesFrom(first: number, bits: readonly number[]): Code[] {
  let base = first;
  return bits.map((one) => {
    const code = { base, bits: one };
    base += 2 ** one;
    return code;
  });
}

const none = (count: number) => Array.from({ length: count }, () => 0);
const upTo = (most: number, from: number) =>
  Array.from({ length: most - from + 1 }, (_, at) => from + at);

export const LITERAL_LENGTHS: CodeKind = {
  name: 'literal lengths',
  codes: codesFrom(0, [...none(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, ...upTo(16, 6)]),
  mostAccuracyLog: 9,
  predefined: buildFseTable(
    [
      4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1,
      1, -1, -1, -1, -1,
    ],
    6,
  ),
};

export const MATCH_LENGTHS: CodeKind = {
  name: 'match lengths',
  codes: codesFrom(3, [...none(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, ...upTo(16, 7)]),
  mostAccuracyLog: 9,
  predefined: buildFseTable(
    [1, 4, 3, 2, 2, 2, 2, 2, 2, ...none(37).map(() => 1), -1, -1, -1, -1, -1, -1, -1],
    6,
  ),
};

export const OFFSETS: CodeKind = {
  name: 'offsets',
  // Beyond 22 bits no offset is within any content here; the RFC has codes up to 31.
  codes: upTo(31, 0).map((bits) => ({ base: 2 ** bits, bits })),
  mostAccuracyLog: 8,
  predefined: buildFseTable(
    [1, 1, 1, 1, 1, 1, 2, 2, 2, ...none(15).map(() => 1), -1, -1, -1, -1, -1],
    5,
  ),
};
