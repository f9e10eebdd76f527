/**
 * Decodes the frames of `zstd` and `zstd-delta`: Zstandard as RFC 8878 has it, and as docs/encodings.md restricts it. What the RFC
 * leaves out of a decoder's duties is not checked: whether a frame could have been smaller, and whether literals or tables are described that
 * nothing uses. By its erratum 5786 a compressed block need not be smaller than what it decodes to.
 */
import { type Decode, NO_BYTES, WrongEncoding } from '../decoding.js';
import { highestBit, littleEndian } from './bits.js';
import { FrameContent } from './compressed-block.js';

const HEADER_BYTES = 2;
const BLOCK_HEADER_BYTES = 3;
const LEAST_WINDOW_LOG = 10;
const MOST_BLOCK_BYTES = 131_072;
const [RAW, RLE, COMPRESSED] = [0, 1, 2];

export const decodeZstd: Decode = (encoding, into) => decodeFrame(encoding, into, NO_BYTES);

/** The bases are raw content, whatever they begin with. */
export const decodeZstdDelta: Decode = (encoding, into, bases) =>
  decodeFrame(encoding, into, bases);

function decodeFrame(frame: Uint8Array, into: Uint8Array, prefix: Uint8Array): void {
  const windowLog = highestBit(into.length + prefix.length - 1) + 1;
  checkHeader(frame, windowLog);
  const mostBlockBytes = Math.min(MOST_BLOCK_BYTES, 2 ** windowLog);
  const content = new FrameContent(into, prefix);
  let from = HEADER_BYTES;
  for (let isLast = false; !isLast; ) {
    if (from + BLOCK_HEADER_BYTES > frame.length) throw new WrongEncoding('it has no last block');
    const header = littleEndian(frame.subarray(from, from + BLOCK_HEADER_BYTES));
    from += BLOCK_HEADER_BYTES;
    isLast = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (size > mostBlockBytes) {
      throw new WrongEncoding(`a block has the size ${size}, beyond ${mostBlockBytes}`);
    }
    const end = from + (type === RLE ? 1 : size);
    if (end > frame.length) throw new WrongEncoding('a block is cut short');
    const block = frame.subarray(from, end);
    from = end;
    if (type === RAW) content.append(block);
    else if (type === RLE) content.repeat(block[0] as number, size);
    else if (type === COMPRESSED) content.decompress(block, mostBlockBytes);
    else throw new WrongEncoding('a block has the reserved type');
  }
  if (from !== frame.length) {
    throw new WrongEncoding(`${frame.length - from} bytes follow the last block`);
  }
  if (content.length !== into.length) {
    throw new WrongEncoding(`it decodes to ${content.length} bytes`);
  }
}

function checkHeader(frame: Uint8Array, windowLog: number): void {
  const [descriptor, window] = frame;
  if (descriptor === undefined || window === undefined) throw new WrongEncoding('it has no header');
  if (descriptor !== 0) {
    throw new WrongEncoding(`its Frame_Header_Descriptor is ${descriptor}, and not 0`);
  }
  const expected = 8 * (windowLog - LEAST_WINDOW_LOG);
  if (window !== expected) {
    throw new WrongEncoding(`its Window_Descriptor is ${window}, and not ${expected}`);
  }
}
