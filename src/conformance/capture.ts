/** Reads capture files: docs/capture-format.md. */

import type { Side } from './migration.js';
import type { Role } from './preambles.js';
import type { Direction } from './violation.js';

export const CAPTURE_MAGIC = 'PGFCAPT\n';
export const CAPTURE_VERSION = 1;
export const CAPTURE_HEAD_BYTES = 24;
export const BLOCK_HEAD_BYTES = 8;
export const MOST_BLOCK_BYTES = 1_048_576;
export const MOST_CHANNEL = 63;
export const CAPTURE_SIDES: Readonly<Record<Side, number>> = { source: 1, destination: 2 };
export const BLOCK_ROLES: Readonly<Record<Role | 'end', number>> = {
  end: 0,
  control: 1,
  page: 2,
  fault: 3,
};
export const BLOCK_DIRECTIONS: Readonly<Record<Direction, number>> = {
  'to-destination': 1,
  'to-source': 2,
};

export interface CaptureHead {
  readonly side: Side;
  /** When it began. */
  readonly startedMs: number;
}

export interface Block {
  readonly role: Role;
  readonly number: number;
  readonly direction: Direction;
  readonly bytes: Buffer;
}

/** The file is none, or not whole. */
export class CaptureUnreadable extends Error {
  constructor(
    readonly kind: 'no-capture' | 'cut',
    message: string,
  ) {
    super(message);
  }
}

function keyOf<K extends string>(
  numbers: Readonly<Record<K, number>>,
  wanted: number,
): K | undefined {
  return (Object.keys(numbers) as K[]).find((key) => numbers[key] === wanted);
}

/** A capture that is read from its beginning to its end, a block at a time. */
export class Capture {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  private constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Throws CaptureUnreadable, as blocks() does. */
  static async open(
    chunks: AsyncIterable<Buffer>,
  ): Promise<{ head: CaptureHead; capture: Capture }> {
    const capture = new Capture(chunks);
    const bytes = await capture.#take(CAPTURE_HEAD_BYTES);
    if (bytes?.toString('latin1', 0, 8) !== CAPTURE_MAGIC) {
      throw new CaptureUnreadable('no-capture', 'it is no capture');
    }
    const version = bytes.readUInt16LE(8);
    if (version !== CAPTURE_VERSION) {
      throw new CaptureUnreadable(
        'no-capture',
        `it is a capture of version ${version}, and this reads ${CAPTURE_VERSION}`,
      );
    }
    const side = keyOf(CAPTURE_SIDES, bytes.readUInt8(10));
    if (side === undefined)
      throw new CaptureUnreadable('no-capture', 'it does not say which side it is of');
    return { head: { side, startedMs: Number(bytes.readBigUInt64LE(16)) }, capture };
  }

  async *blocks(): AsyncGenerator<Block> {
    for (;;) {
      const head = await this.#take(BLOCK_HEAD_BYTES);
      if (head === undefined) throw new CaptureUnreadable('cut', 'it was cut short: it has no end');
      const role = keyOf(BLOCK_ROLES, head.readUInt8(0));
      if (role === 'end') break;
      const direction = keyOf(BLOCK_DIRECTIONS, head.readUInt8(1));
      const number = head.readUInt16LE(2);
      const length = head.readUInt32LE(4);
      const isRight = number <= MOST_CHANNEL && length >= 1 && length <= MOST_BLOCK_BYTES;
      if (role === undefined || direction === undefined || !isRight) {
        throw new CaptureUnreadable('no-capture', 'it holds a block that is none');
      }
      const bytes = await this.#take(length);
      if (bytes === undefined)
        throw new CaptureUnreadable('cut', 'it was cut short within a block');
      yield { role, number, direction, bytes };
    }
    if ((await this.#take(1)) !== undefined) {
      throw new CaptureUnreadable('no-capture', 'bytes follow its end');
    }
  }

  /** Undefined when there are no more so many. */
  async #take(bytes: number): Promise<Buffer | undefined> {
    if (this.#held.byteLength < bytes) {
      const pieces = [this.#held];
      for (let held = this.#held.byteLength; held < bytes; ) {
        const { done, value } = await this.#chunks.next();
        if (done === true) return undefined;
        pieces.push(value);
        held += value.byteLength;
      }
      this.#held = Buffer.concat(pieces);
    }
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }
}
