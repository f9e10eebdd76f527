/** Tables of finite state entropy: RFC 8878, section 4.1. */
import { WrongEncoding } from '../decoding.js';
import { type BackwardBits, ForwardBits, highestBit } from './bits.js';

/** By state: what it decodes to, and what the next one is: `base` and so many bits. */
export interface FseTable {
  readonly accuracyLog: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** Says that a symbol is less probable than a state, and has one all the same. */
const LESS_THAN_ONE = -1;
const LEAST_ACCURACY_LOG = 5;

/**
 * Section 4.1.1: reads the description of a table at the beginning of `bytes`. Answers the table and how many bytes its description has.
 */
export function readFseTable(
  bytes: Uint8Array,
  { mostAccuracyLog, symbols }: { mostAccuracyLog: number; symbols: number },
): { table: FseTable; length: number } {
  const bits = new ForwardBits(bytes);
  const accuracyLog = bits.take(4) + LEAST_ACCURACY_LOG;
  if (accuracyLog > mostAccuracyLog) {
    throw new WrongEncoding(`a table has the accuracy ${accuracyLog}, beyond ${mostAccuracyLog}`);
  }
  const counts: number[] = [];
  for (let left = 1 << accuracyLog; left > 0; ) {
    if (counts.length >= symbols) throw new WrongEncoding('a table has too many symbols');
    const count = takeCount(bits, left);
    counts.push(count);
    left -= Math.abs(count);
    if (count === 0) takeZeros(bits, counts);
  }
  if (counts.length > symbols) throw new WrongEncoding('a table has too many symbols');
  const length = bits.bytesTaken;
  if (length > bytes.length) throw new WrongEncoding('a table is cut short');
  return { table: buildFseTable(counts, accuracyLog), length };
}

/** A count of at most `left`. The small values take a bit less where not all values of so many bits may come. */
function takeCount(bits: ForwardBits, left: number): number {
  const most = left + 1;
  const width = highestBit(most) + 1;
  const half = 1 << (width - 1);
  const spare = 2 * half - 1 - most;
  const low = bits.peek(width - 1);
  if (low < spare) {
    bits.skip(width - 1);
    return low - 1;
  }
  const value = bits.take(width);
  return (value >= half ? value - spare : value) - 1;
}

/** How many counts of 0 follow one: 2 bits that say up to three, and go on after three. */
function takeZeros(bits: ForwardBits, counts: number[]): void {
  for (let more = 3; more === 3; ) {
    more = bits.take(2);
    for (let i = 0; i < more; i += 1) counts.push(0);
    // Bits beyond the end are 0, so that this ends.
  }
}

/** Section 4.1.1, from the counts to the states. The counts fill the table exactly, as those of a description that was read do. */
export function buildFseTable(counts: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const next = counts.map((count) => (count === LESS_THAN_ONE ? 1 : count));
  let end = size;
  counts.forEach((count, symbol) => {
    if (count !== LESS_THAN_ONE) return;
    end -= 1;
    symbols[end] = symbol;
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i += 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= end);
    }
  });
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state] as number;
    const nth = next[symbol] as number;
    next[symbol] = nth + 1;
    const width = accuracyLog - highestBit(nth);
    bits[state] = width;
    bases[state] = (nth << width) - size;
  }
  return { accuracyLog, symbols, bits, bases };
}

/** A table of one symbol, which takes no bits. */
export function tableOfOne(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bits: Uint8Array.of(0),
    bases: Uint16Array.of(0),
  };
}

/** One of the states that take turns in a bit stream. */
export class FseState {
  readonly #table: FseTable;
  readonly #bits: BackwardBits;
  #state: number;

  constructor(table: FseTable, bits: BackwardBits) {
    this.#table = table;
    this.#bits = bits;
    this.#state = bits.take(table.accuracyLog);
  }

  get symbol(): number {
    return this.#table.symbols[this.#state] as number;
  }

  advance(): void {
    const { bases, bits } = this.#table;
    const width = bits[this.#state] as number;
    this.#state = (bases[this.#state] as number) + this.#bits.take(width);
  }
}
