/** Messages on the control channel: a 4-byte little-endian length, then that many bytes of MessagePack. */
import { Packr, Unpackr } from 'msgpackr';

export const MAX_MESSAGE_BYTES = 268_435_456;
/** The largest state of a guest: what a message holds, less room for its other fields. */
export const MAX_STATE_BYTES = MAX_MESSAGE_BYTES - 65_536;
const LENGTH_BYTES = 4;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** The frame of one message. Throws a RangeError when it is longer than a message may be. */
export function encodeFrame(message: object): Uint8Array {
  const body = packr.pack(message);
  if (body.byteLength > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `a message of ${body.byteLength} bytes is longer than the protocol allows`,
    );
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.byteLength);
  frame.writeUInt32LE(body.byteLength, 0);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

/** Push parser: takes chunks as they come, gives the values of complete frames. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** What the frame that has begun takes in all, as far as is known. */
  #needed = LENGTH_BYTES;

  /** Throws when a length or an encoding is not one of ours; the decoder is of no use then. */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    // Chunks are joined only when that completes something: a long message is copied once.
    if (this.#bytes < this.#needed) return [];
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const values: unknown[] = [];
    while (this.#measure(rest)) {
      values.push(unpackr.unpack(rest.subarray(LENGTH_BYTES, this.#needed)));
      rest = rest.subarray(this.#needed);
    }
    this.#chunks = rest.byteLength > 0 ? [rest] : [];
    this.#bytes = rest.byteLength;
    return values;
  }

  /** Finds out how long the frame at the front is. True when all of it is there. */
  #measure(bytes: Buffer): boolean {
    this.#needed = LENGTH_BYTES;
    if (bytes.byteLength < LENGTH_BYTES) return false;
    const length = bytes.readUInt32LE(0);
    if (length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`a message of ${length} bytes is longer than the protocol allows`);
    }
    this.#needed = LENGTH_BYTES + length;
    return bytes.byteLength >= this.#needed;
  }
}
