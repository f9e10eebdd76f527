/** Messages on the control channel: a 4-byte little-endian length, then that many bytes of MessagePack. */
import { Packr, Unpackr } from 'msgpackr';

/** Of every message but `switchover`. */
export const MAX_MESSAGE_BYTES = 262_144;
/** What `switchover` takes beside the guest's state. */
export const STATE_MARGIN_BYTES = 65_536;
/** The longest state that any destination takes. */
export const MAX_STATE_BYTES = 268_435_456 - STATE_MARGIN_BYTES;
const LENGTH_BYTES = 4;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** The frame of one message. */
export function encodeFrame(message: object): Uint8Array {
  const body = packr.pack(message);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.byteLength);
  frame.writeUInt32LE(body.byteLength, 0);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

export interface Frame {
  readonly value: unknown;
  /** Of its MessagePack. */
  readonly bytes: number;
}

/** A message longer than it may be, refused before a byte of it was taken. */
export class FrameTooLong extends RangeError {}

/** Pull parser: takes chunks as they come, gives one complete frame at a time. */
export class FrameDecoder {
  /** A frame may be no longer than this. */
  maxBytes = MAX_MESSAGE_BYTES;
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
  }

  /**
   * The next frame, or undefined until more of it has come. Throws when a length or an encoding is not one of ours; the
   * decoder is of no use then.
   */
  next(): Frame | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined;
    const bytes = this.#join(LENGTH_BYTES).readUInt32LE(0);
    if (bytes > this.maxBytes) {
      throw new FrameTooLong(`a message of ${bytes} bytes where ${this.maxBytes} are allowed`);
    }
    const end = LENGTH_BYTES + bytes;
    // Chunks are joined only when that completes something: a long message is copied once.
    if (this.#bytes < end) return undefined;
    const joined = this.#join(end);
    const value: unknown = unpackr.unpack(joined.subarray(LENGTH_BYTES, end));
    this.#chunks[0] = joined.subarray(end);
    this.#bytes -= end;
    if (joined.byteLength === end) this.#chunks.shift();
    return { value, bytes };
  }

  /** All that is needed is in the first chunk from here on, of at least `needed` bytes. */
  #join(needed: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.byteLength >= needed) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
