/** The two ways in which Zstandard reads bits: RFC 8878, section 4.1. */
import { WrongEncoding } from '../decoding.js';

/** No more bits are taken at once. */
const MOST_AT_ONCE = 24;

/** From the lowest bit of the first byte on: the descriptions of tables. */
export class ForwardBits {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** At most 24. Bits beyond the end are 0. */
  peek(bits: number): number {
    return wordAt(this.#bytes, this.#bit) & ((1 << bits) - 1);
  }

  skip(bits: number): void {
    this.#bit += bits;
  }

  take(bits: number): number {
    const taken = this.peek(bits);
    this.skip(bits);
    return taken;
  }

  /** With those that were begun; more than there are where more were taken. */
  get bytesTaken(): number {
    return Math.ceil(this.#bit / 8);
  }
}

/** From the last byte's highest bit that is set, which is a mark and no bit of it, back to the first byte. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Not taken yet; less than 0 where more were taken than there were. */
  left: number;

  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    if (last === 0) throw new WrongEncoding('a bit stream has no end mark');
    this.#bytes = bytes;
    this.left = (bytes.length - 1) * 8 + highestBit(last);
  }

  /** At most 24. Bits before the beginning are 0. */
  peek(bits: number): number {
    const lowest = this.left - bits;
    if (lowest >= 0) return wordAt(this.#bytes, lowest) & ((1 << bits) - 1);
    if (this.left <= 0) return 0;
    return (wordAt(this.#bytes, 0) & ((1 << this.left) - 1)) << -lowest;
  }

  skip(bits: number): void {
    this.left -= bits;
  }

  /** At most 48. */
  take(bits: number): number {
    if (bits > MOST_AT_ONCE) {
      const high = this.take(bits - MOST_AT_ONCE);
      return high * 2 ** MOST_AT_ONCE + this.take(MOST_AT_ONCE);
    }
    const taken = this.peek(bits);
    this.skip(bits);
    return taken;
  }

  checkAllTaken(what: string): void {
    if (this.left === 0) return;
    const found = this.left < 0 ? 'is too short' : `has ${this.left} bits too many`;
    throw new WrongEncoding(`the bit stream of ${what} ${found}`);
  }
}

/** 25 bits at least, from that bit on, the first of them the lowest. */
function wordAt(bytes: Uint8Array, bit: number): number {
  const at = bit >> 3;
  const word =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return word >>> (bit & 7);
}

/** Of a number above 0: 0 for 1, 1 for 2 and 3, and so on. */
export function highestBit(number: number): number {
  return 31 - Math.clz32(number);
}

/** At most 6 bytes. */
export function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}
