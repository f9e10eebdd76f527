/** Decodes compressed blocks: RFC 8878, sections 3.1.1.3 to 3.1.1.5. */
import { WrongEncoding } from '../decoding.js';
import { copyMatch } from '../lz4-block.js';
import type { HuffmanTable } from './huffman.js';
import { readLiterals } from './literals.js';
import { readSequences, type Sequence, type SequenceTables } from './sequences.js';

/** What a frame writes, and what its blocks leave behind for those that follow. */
export class FrameContent {
  /** So many bytes of `into` are decoded. */
  length = 0;
  readonly #into: Uint8Array;
  readonly #prefix: Uint8Array;
  #huffman: HuffmanTable | undefined;
  #tables: SequenceTables = [];
  #offsets: readonly [number, number, number] = [1, 4, 8];

  /** Offsets reach back into `prefix` as if it came immediately before `into`. */
  constructor(into: Uint8Array, prefix: Uint8Array) {
    this.#into = into;
    this.#prefix = prefix;
  }

  append(bytes: Uint8Array): void {
    this.#checkRoom(bytes.length);
    this.#into.set(bytes, this.length);
    this.length += bytes.length;
  }

  repeat(byte: number, times: number): void {
    this.#checkRoom(times);
    this.#into.fill(byte, this.length, this.length + times);
    this.length += times;
  }

  /** A compressed block, which decodes to `most` bytes at most. */
  decompress(block: Uint8Array, most: number): void {
    const begin = this.length;
    const { bytes, length, table } = readLiterals(block, most, this.#huffman);
    const { sequences, tables } = readSequences(block.subarray(length), this.#tables);
    this.#huffman = table;
    this.#tables = tables;
    let from = 0;
    for (const sequence of sequences) {
      const end = from + sequence.literals;
      if (end > bytes.length)
        throw new WrongEncoding('sequences have more literals than there are');
      this.append(bytes.subarray(from, end));
      from = end;
      this.#copy(sequence);
    }
    this.append(bytes.subarray(from));
    if (this.length - begin > most) {
      throw new WrongEncoding(`a block decodes to ${this.length - begin} bytes, beyond ${most}`);
    }
  }

  #copy(sequence: Sequence): void {
    const { match } = sequence;
    const offset = this.#offsetOf(sequence);
    this.#checkRoom(match);
    if (offset === 0 || offset > this.length + this.#prefix.length) {
      throw new WrongEncoding('a match begins before everything that it may refer to');
    }
    copyMatch(this.#into, this.length, offset, match, this.#prefix);
    this.length += match;
  }

  /** Section 3.1.1.5: the last three offsets have short names, which shift where there are no literals. */
  #offsetOf({ offsetValue, literals }: Sequence): number {
    const [first, second, third] = this.#offsets;
    const name = offsetValue > 3 ? 0 : offsetValue + (literals === 0 ? 1 : 0);
    switch (name) {
      case 1:
        return first;
      case 2:
        this.#offsets = [second, first, third];
        return second;
      case 3:
        this.#offsets = [third, first, second];
        return third;
      default: {
        const offset = name === 0 ? offsetValue - 3 : first - 1;
        this.#offsets = [offset, first, second];
        return offset;
      }
    }
  }

  #checkRoom(bytes: number): void {
    if (this.length + bytes > this.#into.length) {
      throw new WrongEncoding('it decodes to too many bytes');
    }
  }
}
