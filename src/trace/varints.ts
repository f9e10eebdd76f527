/** Integers of variable length (LEB128), up to 2^53 - 1. */

/** Numbers go in, bytes come out. */
export class VarintWriter {
  #bytes: number[] = [];

  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
  }

  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  take(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    return bytes;
  }
}

export function signedOf(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Bytes go in, in pieces of any size; `take` gets each number. Throws RangeError for one beyond 2^53 - 1. */
export class VarintReader {
  readonly #take: (value: number) => void;
  #value = 0;
  #scale = 1;

  constructor(take: (value: number) => void) {
    this.#take = take;
  }

  /** Not within a number. */
  get isWhole(): boolean {
    return this.#scale === 1;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#value += (byte & 0x7f) * this.#scale;
      if (this.#value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large');
      if (byte < 0x80) {
        const value = this.#value;
        this.#value = 0;
        this.#scale = 1;
        this.#take(value);
      } else {
        this.#scale *= 0x80;
        if (this.#scale > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too long');
      }
    }
  }
}
