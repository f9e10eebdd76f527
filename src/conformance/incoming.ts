/**
 * Bytes that come in pieces of any size, for code that reads as if they were all there: a reader is a generator that
 * yields how many bytes it wants next.
 */
export type Reading<T = void> = Generator<number, T, Buffer>;

export class Incoming {
  /** Of what is read next. */
  offset = 0;
  /** Where the thing begins that is being read. */
  started = 0;

  /** The next thing begins here. Answers its offset. */
  begin(): number {
    this.started = this.offset;
    return this.offset;
  }

  *take(bytes: number): Reading<Buffer> {
    const taken = bytes === 0 ? Buffer.alloc(0) : yield bytes;
    this.offset += bytes;
    return taken;
  }

  /** Leaves out what nobody looks at, in parts, so that little of it is held. */
  *skip(bytes: number): Reading {
    for (let left = bytes; left > 0; left -= MOST_SKIPPED) {
      yield* this.take(Math.min(left, MOST_SKIPPED));
    }
  }
}

const MOST_SKIPPED = 65_536;

/** Feeds a reader. */
export class Feed {
  readonly incoming = new Incoming();
  /** All that came. */
  bytes = 0;
  readonly #reading: Reading;
  #wanted = 0;
  #pieces: Buffer[] = [];
  #held = 0;
  #isOver = false;

  constructor(read: (incoming: Incoming) => Reading) {
    this.#reading = read(this.incoming);
    this.#step(this.#reading.next());
  }

  push(piece: Buffer): void {
    this.bytes += piece.byteLength;
    if (this.#isOver) return;
    this.#pieces.push(piece);
    this.#held += piece.byteLength;
    while (!this.#isOver && this.#held >= this.#wanted) {
      this.#step(this.#reading.next(this.#cut(this.#wanted)));
    }
  }

  /** What came last has an end. Of a reader that reads no more that is not known, and it is taken for so. */
  get isWhole(): boolean {
    return this.#isOver || this.bytes === this.incoming.started;
  }

  #step({ done, value }: IteratorResult<number, void>): void {
    if (done === true) {
      this.#isOver = true;
      this.#pieces = [];
    } else {
      this.#wanted = value;
    }
  }

  #cut(bytes: number): Buffer {
    this.#held -= bytes;
    const [first] = this.#pieces;
    if (first !== undefined && first.byteLength > bytes) {
      this.#pieces[0] = first.subarray(bytes);
      return first.subarray(0, bytes);
    }
    // Pieces are joined only when that completes something.
    const joined =
      this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces);
    this.#pieces = joined.byteLength > bytes ? [joined.subarray(bytes)] : [];
    return joined.subarray(0, bytes);
  }
}
