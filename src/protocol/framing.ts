/** Messages on the control channel: a 4-byte little-endian length, then that many bytes of MessagePack. */
import { Packr, Unpackr } from 'msgpackr';

export const MAX_MESSAGE_BYTES = 268_435_456;
const LENGTH_BYTES = 4;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** The frame of one message. Throws a RangeError when it is longer than a message may be. */
export function encodeFrame(message: object): Uint8Array {
  const body = packr.pack(message);
  if (body.byteLength > MAX_MESSAGE_BYTES) {
    throw new RangeError(`a message of ${body.byteLength} bytes is longer than the protocol allows`);
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

  /** Throws when a length or an encoding is not one of ours; the decoder is of no use then. */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    const values: unknown[] = [];
    while (this.#bytes >= LENGTH_BYTES) {
      const length = this.#peekLength();
      if (length > MAX_MESSAGE_BYTES) {
        throw new RangeError(`a message of ${length} bytes is longer than the protocol allows`);
      }
      if (this.#bytes < LENGTH_BYTES + length) break;
      const all = Buffer.concat(this.#chunks);
      values.push(unpackr.unpack(all.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      const rest = all.subarray(LENGTH_BYTES + length);
      this.#chunks = rest.byteLength > 0 ? [rest] : [];
      this.#bytes = rest.byteLength;
    }
    return values;
  }

  #peekLength(): number {
    const first = this.#chunks[0];
    if (first !== undefined && first.byteLength >= LENGTH_BYTES) return first.readUInt32LE(0);
    // The length itself is split over chunks.
    this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] as Buffer).readUInt32LE(0);
  }
}
