/** The literals of a compressed block: RFC 8878, section 3.1.1.3.1. */
import { WrongEncoding } from '../decoding.js';
import { littleEndian } from './bits.js';
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman.js';

export interface Literals {
  readonly bytes: Uint8Array;
  /** Of the section in the block. */
  readonly length: number;
  /** The last one that was described, here or in a block before. */
  readonly table: HuffmanTable | undefined;
}

interface Header {
  readonly headerBytes: number;
  readonly regenerated: number;
  readonly compressed: number;
  readonly streams: 1 | 4;
}

const [RAW, RLE, TREELESS] = [0, 1, 3];
const JUMP_TABLE_BYTES = 6;

/** `most`: as many bytes as a block may decode to. `known`: the table of the block before, where there is one. */
export function readLiterals(
  block: Uint8Array,
  most: number,
  known: HuffmanTable | undefined,
): Literals {
  const [first] = block;
  if (first === undefined) throw new WrongEncoding('a block has no literals section');
  const type = first & 3;
  const format = (first >> 2) & 3;
  const isPlain = type === RAW || type === RLE;
  const header = isPlain ? plainHeader(type, format, block) : compressedHeader(format, block);
  const { headerBytes, regenerated, compressed } = header;
  const length = headerBytes + compressed;
  if (regenerated > most) throw new WrongEncoding(`a block has ${regenerated} literals`);
  if (length > block.length) throw new WrongEncoding('a literals section is cut short');
  const content = block.subarray(headerBytes, length);
  if (type === RAW) return { bytes: content, length, table: known };
  const bytes = new Uint8Array(regenerated);
  if (type === RLE) return { bytes: bytes.fill(content[0] as number), length, table: known };
  if (type === TREELESS) {
    if (known === undefined) throw new WrongEncoding('literals use a table that there is not');
    decodeStreams(known, content, header.streams, bytes);
    return { bytes, length, table: known };
  }
  const { table, length: tableBytes } = readHuffmanTable(content);
  decodeStreams(table, content.subarray(tableBytes), header.streams, bytes);
  return { bytes, length, table };
}

function plainHeader(type: number, format: number, block: Uint8Array): Header {
  // 0 and 2: the format has one bit, and the other is part of the size.
  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
  const regenerated = sizesOf(block, headerBytes) >> (headerBytes === 1 ? 3 : 4);
  return { headerBytes, regenerated, compressed: type === RLE ? 1 : regenerated, streams: 1 };
}

function compressedHeader(format: number, block: Uint8Array): Header {
  const [headerBytes, sizeBits] = (
    [
      [3, 10],
      [3, 10],
      [4, 14],
      [5, 18],
    ] as const
  )[format] as readonly [number, number];
  // 40 bits do not fit into what >> takes.
  const sizes = Math.floor(sizesOf(block, headerBytes) / 16);
  const range = 2 ** sizeBits;
  return {
    headerBytes,
    regenerated: sizes % range,
    compressed: Math.floor(sizes / range),
    streams: format === 0 ? 1 : 4,
  };
}

function decodeStreams(
  table: HuffmanTable,
  content: Uint8Array,
  streams: 1 | 4,
  into: Uint8Array,
): void {
  if (streams === 1) {
    decodeHuffman(table, content, into);
    return;
  }
  if (content.length < JUMP_TABLE_BYTES) throw new WrongEncoding('literals have no jump table');
  const each = Math.ceil(into.length / 4);
  if (each * 3 > into.length) throw new WrongEncoding('literals are too few for four streams');
  let from = JUMP_TABLE_BYTES;
  for (let stream = 0; stream < 4; stream += 1) {
    const length = littleEndian(content.subarray(2 * stream, 2 * stream + 2));
    const end = stream === 3 ? content.length : from + length;
    if (end > content.length) throw new WrongEncoding('a stream of literals is cut short');
    const target = into.subarray(stream * each, stream === 3 ? into.length : (stream + 1) * each);
    decodeHuffman(table, content.subarray(from, end), target);
    from = end;
  }
}

/** The first bytes of a header, which must be there. */
function sizesOf(bytes: Uint8Array, count: number): number {
  if (bytes.length < count) throw new WrongEncoding('the header of literals is cut short');
  return littleEndian(bytes.subarray(0, count));
}
