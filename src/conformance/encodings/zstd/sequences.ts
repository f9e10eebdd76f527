/** The sequences of a compressed block: RFC 8878, section 3.1.1.3.2. */
import { WrongEncoding } from '../decoding.js';
import { BackwardBits } from './bits.js';
import { FseState, type FseTable, readFseTable, tableOfOne } from './fse.js';
import { type CodeKind, LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS } from './sequence-codes.js';

/** So many literals, then a match. */
export interface Sequence {
  readonly literals: number;
  readonly match: number;
  /** 1 to 3 are offsets that were there before, others are the offset and 3. */
  readonly offsetValue: number;
}

/** In the order in which the block has them. */
const KINDS = [LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS] as const;
/** Those of the last block with sequences; a place is undefined before the first one. */
export type SequenceTables = readonly (FseTable | undefined)[];

const [PREDEFINED, RLE, DESCRIBED] = [0, 1, 2];

/** Answers what the section holds, which must be all of it, and the tables for the block after. */
export function readSequences(
  section: Uint8Array,
  known: SequenceTables,
): { sequences: readonly Sequence[]; tables: SequenceTables } {
  const { count, length } = readCount(section);
  if (count === 0) {
    if (length !== section.length) throw new WrongEncoding('bytes follow the end of a block');
    return { sequences: [], tables: known };
  }
  const modes = section[length];
  if (modes === undefined) throw new WrongEncoding('a sequences section is cut short');
  if ((modes & 3) !== 0) throw new WrongEncoding('reserved bits of a sequences section are not 0');
  let from = length + 1;
  const tables = KINDS.map((kind, at) => {
    const mode = (modes >> (6 - 2 * at)) & 3;
    const read = readTable(kind, mode, section.subarray(from), known[at]);
    from += read.length;
    return read.table;
  });
  return { sequences: decodeAll(tables, section.subarray(from), count), tables };
}

function readCount(section: Uint8Array): { count: number; length: number } {
  const [first, second, third] = section;
  if (first !== undefined && first < 128) return { count: first, length: 1 };
  if (first !== undefined && first < 255 && second !== undefined) {
    return { count: (first - 128) * 256 + second, length: 2 };
  }
  if (second !== undefined && third !== undefined) {
    return { count: second + third * 256 + 0x7f00, length: 3 };
  }
  throw new WrongEncoding('a sequences section is cut short');
}

function readTable(
  { name, codes, mostAccuracyLog, predefined }: CodeKind,
  mode: number,
  bytes: Uint8Array,
  known: FseTable | undefined,
): { table: FseTable; length: number } {
  if (mode === PREDEFINED) return { table: predefined, length: 0 };
  if (mode === RLE) {
    const [code] = bytes;
    if (code === undefined || code >= codes.length) {
      throw new WrongEncoding(`the one code of ${name} is ${code ?? 'not there'}`);
    }
    return { table: tableOfOne(code), length: 1 };
  }
  if (mode === DESCRIBED) {
    return readFseTable(bytes, { mostAccuracyLog, symbols: codes.length });
  }
  if (known === undefined) throw new WrongEncoding(`the table of ${name} is one that there is not`);
  return { table: known, length: 0 };
}

/** Section 3.1.1.3.2.1.2. */
function decodeAll(
  tables: readonly FseTable[],
  stream: Uint8Array,
  count: number,
): readonly Sequence[] {
  const bits = new BackwardBits(stream);
  const [literals, offsets, matches] = tables.map((table) => new FseState(table, bits)) as [
    FseState,
    FseState,
    FseState,
  ];
  const numberOf = ({ codes }: CodeKind, { symbol }: FseState): number => {
    const code = codes[symbol] as CodeKind['codes'][number];
    return code.base + bits.take(code.bits);
  };
  const sequences: Sequence[] = [];
  for (let left = count; left > 0; left -= 1) {
    const offsetValue = numberOf(OFFSETS, offsets);
    const match = numberOf(MATCH_LENGTHS, matches);
    sequences.push({ literals: numberOf(LITERAL_LENGTHS, literals), match, offsetValue });
    if (left === 1) break;
    literals.advance();
    matches.advance();
    offsets.advance();
    // What comes after the end of the stream would only be zeros: the sequences are bounded by its length.
    if (bits.left < 0) break;
  }
  bits.checkAllTaken('sequences');
  return sequences;
}
