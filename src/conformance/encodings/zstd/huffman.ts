/** Huffman codes of literals: RFC 8878, section 4.2. */
import { WrongEncoding } from '../decoding.js';
import { BackwardBits, highestBit } from './bits.js';
import { FseState, readFseTable } from './fse.js';

/** By the next `mostBits` bits: which literal they begin with, and how many of them are its code. */
export interface HuffmanTable {
  readonly mostBits: number;
  readonly literals: Uint8Array;
  readonly bits: Uint8Array;
}

const MOST_BITS = 11;
/** All 256 literals have one, and the last is not said: the others determine it. */
const MOST_WEIGHTS = 255;
const WEIGHTS_ACCURACY_LOG = 6;
/** From here on the first byte says how many weights follow it, of 4 bits each. */
const DIRECT = 128;

/** Section 4.2.1: answers the table that `bytes` begin with, and how many bytes its description has. */
export function readHuffmanTable(bytes: Uint8Array): { table: HuffmanTable; length: number } {
  const [first] = bytes;
  if (first === undefined) throw new WrongEncoding('there is no Huffman table');
  const length = 1 + (first < DIRECT ? first : Math.ceil((first - DIRECT + 1) / 2));
  if (length > bytes.length) throw new WrongEncoding('the Huffman table is cut short');
  const described = bytes.subarray(1, length);
  const weights =
    first < DIRECT ? decodeWeights(described) : directWeights(described, first - DIRECT + 1);
  return { table: buildTable(weights), length };
}

function directWeights(bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, at) => {
    const byte = bytes[at >> 1] as number;
    return at % 2 === 0 ? byte >> 4 : byte & 15;
  });
}

/** Section 4.2.1.2: two states take turns until the bits do not reach; what the other one then stands for is the last weight. */
function decodeWeights(bytes: Uint8Array): number[] {
  const { table, length } = readFseTable(bytes, {
    mostAccuracyLog: WEIGHTS_ACCURACY_LOG,
    symbols: MOST_BITS + 1,
  });
  const bits = new BackwardBits(bytes.subarray(length));
  let [state, other] = [new FseState(table, bits), new FseState(table, bits)];
  if (bits.left < 0) throw new WrongEncoding('the weights of the Huffman table are cut short');
  const weights: number[] = [];
  while (weights.length <= MOST_WEIGHTS) {
    weights.push(state.symbol);
    state.advance();
    if (bits.left < 0) {
      weights.push(other.symbol);
      break;
    }
    [state, other] = [other, state];
  }
  return weights;
}

/** A weight of 0 has no code, one of w a code of `mostBits` + 1 − w bits: it begins 2^(w − 1) of all that there are. */
function buildTable(said: readonly number[]): HuffmanTable {
  if (said.length > MOST_WEIGHTS) throw new WrongEncoding('the Huffman table has too many weights');
  const shareOf = (weight: number) => (weight === 0 ? 0 : 2 ** (weight - 1));
  const sum = said.reduce((total, weight) => total + shareOf(weight), 0);
  if (sum === 0) throw new WrongEncoding('the Huffman table has no codes');
  if (sum >= 1 << MOST_BITS)
    throw new WrongEncoding(`a Huffman code has more than ${MOST_BITS} bits`);
  const mostBits = highestBit(sum) + 1;
  const left = (1 << mostBits) - sum;
  if (left !== 1 << highestBit(left)) {
    throw new WrongEncoding('the Huffman table has no weight for the last literal');
  }
  const weights = [...said, highestBit(left) + 1];
  const literals = new Uint8Array(1 << mostBits);
  const bits = new Uint8Array(1 << mostBits);
  let at = 0;
  for (let weight = 1; weight <= mostBits; weight += 1) {
    weights.forEach((one, literal) => {
      if (one !== weight) return;
      const end = at + shareOf(weight);
      literals.fill(literal, at, end);
      bits.fill(mostBits + 1 - weight, at, end);
      at = end;
    });
  }
  return { mostBits, literals, bits };
}

/** Section 4.2.2: one stream, which has exactly so many literals as `into` takes. */
export function decodeHuffman(table: HuffmanTable, stream: Uint8Array, into: Uint8Array): void {
  const { mostBits, literals, bits: widths } = table;
  const bits = new BackwardBits(stream);
  for (let at = 0; at < into.length; at += 1) {
    const code = bits.peek(mostBits);
    into[at] = literals[code] as number;
    bits.skip(widths[code] as number);
  }
  bits.checkAllTaken('literals');
}
