/**
 * Decodes pages of `wkdm64` and `wkdm32`: docs/encodings.md, after Wilson, Kaplan and Smaragdakis, "The Case for Compressed Caching in
 * Virtual Memory Systems" (USENIX 1999), section 3.
 */
import { type Decode, PAGE_BYTES, WrongEncoding } from './decoding.js';

interface Shape {
  readonly wordBytes: 4 | 8;
  /** How many bits of a partial match are not those of the dictionary. */
  readonly lowBits: bigint;
  /** By what a word without its low bits is multiplied to find its place in the dictionary. */
  readonly multiplier: bigint;
}

const [ZERO, EXACT, PARTIAL, MISS] = [0, 1, 2, 3];
const DICTIONARY_WORDS = 16;
const INDEX_BITS = 4;

export const decodeWkdm64Page: Decode = (encoded, page) =>
  decodePage({ wordBytes: 8, lowBits: 16n, multiplier: 0x9e3779b97f4a7c15n }, encoded, page);

export const decodeWkdm32Page: Decode = (encoded, page) =>
  decodePage({ wordBytes: 4, lowBits: 10n, multiplier: 0x9e3779b1n }, encoded, page);

function decodePage(shape: Shape, encoded: Uint8Array, page: Uint8Array): void {
  const { wordBytes, lowBits } = shape;
  const words = PAGE_BYTES / wordBytes;
  const { tags, whole, low, indices } = sectionsOf(shape, encoded);
  const dictionary = Array.from({ length: DICTIONARY_WORDS }, () => 0n);
  for (let at = 0; at < words; at += 1) {
    const tag = tags.take(2);
    let word = 0n;
    if (tag === MISS) {
      word = whole.takeWord(wordBytes);
      dictionary[placeOf(shape, word)] = word;
    } else if (tag !== ZERO) {
      const index = indices.take(INDEX_BITS);
      word = dictionary[index] as bigint;
      if (tag === PARTIAL) {
        word = ((word >> lowBits) << lowBits) | BigInt(low.take(Number(lowBits)));
        dictionary[index] = word;
      }
    }
    writeWord(page, at * wordBytes, wordBytes, word);
  }
  low.checkSpare('low bits');
  indices.checkSpare('indices');
}

/** The tags say how long the other sections are. */
function sectionsOf({ wordBytes, lowBits }: Shape, encoded: Uint8Array) {
  const words = PAGE_BYTES / wordBytes;
  const tagBytes = words / 4;
  if (encoded.length < tagBytes) {
    throw new WrongEncoding(`it has ${encoded.length} bytes, and its tags have ${tagBytes}`);
  }
  const counts = [0, 0, 0, 0];
  const counting = new BitsFromLowest(encoded.subarray(0, tagBytes));
  for (let at = 0; at < words; at += 1) (counts[counting.take(2)] as number) += 1;
  const [misses, partial, exact] = [MISS, PARTIAL, EXACT].map((tag) => counts[tag as number] ?? 0);
  const lengths = [
    tagBytes,
    wordBytes * (misses as number),
    Math.ceil((Number(lowBits) * (partial as number)) / 8),
    Math.ceil(((partial as number) + (exact as number)) / 2),
  ];
  const expected = lengths.reduce((sum, length) => sum + length, 0);
  if (encoded.length !== expected) {
    throw new WrongEncoding(`it has ${encoded.length} bytes, and its tags say ${expected}`);
  }
  let begin = 0;
  const [tags, whole, low, indices] = lengths.map((length) => {
    begin += length;
    return new BitsFromLowest(encoded.subarray(begin - length, begin));
  }) as [BitsFromLowest, BitsFromLowest, BitsFromLowest, BitsFromLowest];
  return { tags, whole, low, indices };
}

function placeOf({ wordBytes, lowBits, multiplier }: Shape, word: bigint): number {
  const bits = wordBytes * 8;
  const product = BigInt.asUintN(bits, (word >> lowBits) * multiplier);
  return Number(product >> BigInt(bits - INDEX_BITS));
}

function writeWord(page: Uint8Array, at: number, bytes: 4 | 8, word: bigint): void {
  const view = new DataView(page.buffer, page.byteOffset + at, bytes);
  if (bytes === 8) view.setBigUint64(0, word, true);
  else view.setUint32(0, Number(word), true);
}

/** A section of a page: fields without gaps, the first in the lowest bits of the first byte. */
class BitsFromLowest {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The caller takes no more than there are, and at most 16 at once. */
  take(bits: number): number {
    const bytes = this.#bytes;
    const at = this.#bit >> 3;
    const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const taken = (three >> (this.#bit & 7)) & ((1 << bits) - 1);
    this.#bit += bits;
    return taken;
  }

  /** The section must have words alone. */
  takeWord(bytes: 4 | 8): bigint {
    const at = this.#bit >> 3;
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, bytes);
    this.#bit += bytes * 8;
    return bytes === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true));
  }

  /** What is left of the last byte must be 0. */
  checkSpare(name: string): void {
    const spare = (this.#bytes.length * 8 - this.#bit) % 8;
    if (spare > 0 && this.take(spare) !== 0) {
      throw new WrongEncoding(`bits behind the last of its ${name} are not 0`);
    }
  }
}
