import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DECODERS } from '../../../src/conformance/encodings/block.js';
import { PAGE_BYTES } from '../../../src/conformance/encodings/decoding.js';
import { seededRandom } from '../../support/random.js';
import { complaintOf } from './complaint.js';
import { changedSince, drawPages } from './draw-pages.js';

interface Frame {
  readonly name: string;
  readonly pages: number;
  readonly seed: number;
  readonly kinds?: string;
  readonly changes?: number;
  readonly encoding: string;
}

const FRAMES = JSON.parse(
  readFileSync(new URL('../../vectors/zstd/frames.json', import.meta.url), 'utf8'),
) as readonly Frame[];

function decoderOf({ changes }: Frame) {
  return changes === undefined ? DECODERS.zstd : DECODERS['zstd-delta'];
}

/** A frame of one page: its header, and one block of that type that is the last one. */
function frameOf(type: number, size: number, content: readonly number[]): Buffer {
  const header = 1 | (type << 1) | (size << 3);
  const bytes = [header & 255, (header >> 8) & 255, header >> 16];
  return Buffer.from([0x00, 0x10, ...bytes, ...content]);
}

function compressed(...content: readonly number[]): Buffer {
  return frameOf(2, content.length, content);
}

const RIGHT = Buffer.from('0010' + '4d0000' + '104646' + '0100fbf70116', 'hex');

function changed(at: number, ...bytes: readonly number[]): Buffer {
  const frame = Buffer.from(RIGHT);
  for (const [i, byte] of bytes.entries()) frame[at + i] = byte;
  return frame;
}

describe('the decoder of zstd', () => {
  it.each(FRAMES)('decodes what the library encodes, to the byte: $name', (frame) => {
    const drawn = drawPages(frame.seed, frame.pages, frame.kinds);
    const { changes } = frame;
    const pages = changes === undefined ? drawn : changedSince(drawn, frame.seed, changes);
    const into = Buffer.alloc(pages.byteLength);
    decoderOf(frame)(Buffer.from(frame.encoding, 'base64'), into, drawn);
    expect(into.equals(pages)).toBe(true);
  });

  it('decodes literals that are one byte over and over', () => {
    const into = Buffer.alloc(PAGE_BYTES);
    // The type 1, a size of 20 bits, the byte, and no sequences.
    DECODERS.zstd(compressed(0x0d, 0x00, 0x01, 0x58, 0), into, into);
    expect(into.equals(Buffer.alloc(PAGE_BYTES, 0x58))).toBe(true);
  });

  it('decodes weights that are not compressed, and four streams', () => {
    const stream = [...Array.from({ length: 128 }, () => 0b0000_1101), 1];
    const table = [128, 0x10]; // one weight of 1: the last one is the same
    const jumps = [129, 0, 129, 0, 129, 0];
    const content = [...table, ...jumps, ...stream, ...stream, ...stream, ...stream];
    const sizes = 2 | (2 << 2) | (PAGE_BYTES << 4);
    const header = [
      sizes & 255,
      (sizes >> 8) & 255,
      ((sizes >> 16) & 3) | ((content.length & 63) << 2),
    ];
    const into = Buffer.alloc(PAGE_BYTES);
    DECODERS.zstd(compressed(...header, content.length >> 6, ...content, 0), into, into);
    const bits = [0, 0, 0, 0, 1, 1, 0, 1];
    const expected = Buffer.from(Array.from({ length: PAGE_BYTES }, (_, at) => bits[at % 8] ?? 0));
    expect(into.equals(expected)).toBe(true);
  });

  it('uses a table of literals again, whatever blocks came since it was described', () => {
    const block = (content: readonly number[]) => [
      (2 << 1) | (content.length << 3),
      0,
      0,
      ...content,
    ];
    // 8 literals of one bit each, in a stream of two bytes with its mark; the table is 0 and 1.
    const described = block([0x82, 0x00, 0x01, 128, 0x10, 0b0000_1101, 1, 0]);
    const again = block([0x83, 0x80, 0x00, 0b0101_0001, 1, 0]);
    const plain = block([0x08, 9, 0]);
    const left = PAGE_BYTES - 8 * 3 - 1;
    const last = 1 | (1 << 1) | (left << 3);
    const rle = [last & 255, (last >> 8) & 255, last >> 16, 5];
    const into = Buffer.alloc(PAGE_BYTES);
    DECODERS.zstd(
      Buffer.from([0, 0x10, ...described, ...again, ...plain, ...again, ...rle]),
      into,
      into,
    );
    const first = [0, 0, 0, 0, 1, 1, 0, 1];
    const second = [0, 1, 0, 1, 0, 0, 0, 1];
    const begin = [...first, ...second, 9, ...second];
    expect([...into.subarray(0, 25)]).toEqual(begin);
    expect(into.subarray(25).every((byte) => byte === 5)).toBe(true);
  });

  it('finds a block that decodes to more than a block may', () => {
    // 131072 literals of one byte. The sequence is one of them and a match of 3 bytes.
    const literals = [0x0d, 0x00, 0x20, 7];
    const content = [...literals, 1, 0x54, 1, 0, 0, 1];
    const header = 1 | (2 << 1) | (content.length << 3);
    const frame = Buffer.from([0, 64, header, 0, 0, ...content]);
    expect(complaintOf(DECODERS.zstd, frame, 64)).toMatch(/131075 bytes, beyond 131072/);
  });

  it.each<[string, Buffer, RegExp]>([
    ['no bytes', Buffer.alloc(0), /no header/],
    ['a magic number', Buffer.from('28b52ffd', 'hex'), /Frame_Header_Descriptor is 40/],
    ['a content size', changed(0, 0x40), /Frame_Header_Descriptor is 64/],
    ['a checksum', changed(0, 0x04), /Frame_Header_Descriptor is 4,/],
    ['a larger window', changed(1, 0x18), /Window_Descriptor is 24, and not 16/],
    ['a window between two powers', changed(1, 0x11), /Window_Descriptor is 17/],
    ['no block', RIGHT.subarray(0, 2), /no last block/],
    ['no last block', changed(2, 0x4c), /no last block/],
    ['a block of the reserved type', changed(2, 0x4f), /reserved type/],
    ['a block that goes beyond the end', RIGHT.subarray(0, -1), /a block is cut short/],
    ['an RLE block without its byte', frameOf(1, PAGE_BYTES, []), /a block is cut short/],
    ['a block beyond its window', frameOf(0, PAGE_BYTES + 1, []), /size 4097, beyond 4096/],
    ['an RLE block beyond its window', frameOf(1, PAGE_BYTES + 1, [7]), /size 4097/],
    ['less than a page', frameOf(1, PAGE_BYTES - 1, [7]), /decodes to 4095 bytes/],
    ['more than a page', Buffer.from('0010028000460b000046', 'hex'), /too many bytes/],
    ['bytes behind the last block', Buffer.concat([RIGHT, Buffer.alloc(1)]), /1 bytes follow/],
    ['a block without literals', compressed(), /no literals section/],
    ['raw literals that are cut short', compressed(0x50, 1), /literals section is cut short/],
    ['more literals than a block may have', compressed(0x1d, 0, 1, 7, 0), /4097 literals/],
    [
      'the table of a block that there is not',
      compressed(0x43, 0, 0, 0),
      /table that there is not/,
    ],
    ['no sequences section', compressed(0x08, 7), /sequences section is cut short/],
    ['bytes behind no sequences', compressed(0x08, 7, 0, 0), /follow the end of a block/],
    ['reserved bits of sequences', changed(9, 0x01), /reserved bits of a sequences section/],
    ['tables of a block that there is not', changed(9, 0xc0), /literal lengths is one that there/],
    ['one code that there is not', changed(9, 0x40, 36), /the one code of literal lengths is 36/],
    ['a bit stream without an end mark', changed(13, 0), /no end mark/],
    ['a bit stream that is too short', changed(8, 2), /bit stream of sequences is too short/],
    ['an offset of 0', compressed(0x08, 7, 1, 0x54, 0, 1, 0, 3), /begins before/],
    ['an offset before the page', compressed(0x08, 7, 1, 0x54, 1, 2, 0, 5), /begins before/],
    ['a table that ends with its block', compressed(0x08, 7, 1, 0x80, 0), /table is cut short/],
    ['a Huffman table without codes', compressed(0x12, 0xc0, 0, 128, 0, 1, 0), /no codes/],
    ['a Huffman table that is cut short', compressed(0x12, 0x40, 0, 128, 0), /table is cut short/],
    [
      'four streams without their lengths',
      compressed(0x16, 0x80, 0, 128, 0x10, 0),
      /no jump table/,
    ],
    [
      'four streams of one literal',
      compressed(0x16, 0x00, 3, 128, 0x10, 1, 0, 1, 0, 1, 0, 2, 1, 1, 1, 0),
      /too few for four/,
    ],
    ['a table beyond its accuracy', changed(9, 0x80, 0x0f), /accuracy 20, beyond 9/],
  ])('finds %s', (_what, frame, says) => {
    expect(complaintOf(DECODERS.zstd, frame)).toMatch(says);
  });

  it('decodes a frame that was changed or says why it is none, and throws nothing else', () => {
    const said = new Set<string>();
    let decoded = 0;
    for (let seed = 1; seed <= 3000; seed += 1) {
      const { whole, pick } = seededRandom(seed);
      const frame = pick(FRAMES.filter(({ pages }) => pages <= 16));
      const encoding = Buffer.from(frame.encoding, 'base64');
      // Most of what can be wrong stands near the beginning.
      const most = seed % 2 === 0 ? Math.min(60, encoding.byteLength - 1) : encoding.byteLength - 1;
      for (let i = whole(1, 2); i > 0; i -= 1) encoding[whole(5, most)] = whole(0, 255);
      const complaint = complaintOf(decoderOf(frame), encoding, frame.pages);
      if (complaint === undefined) decoded += 1;
      else said.add(complaint.replace(/\d+/g, 'n'));
    }
    expect(decoded).toBeGreaterThan(100);
    for (const one of [
      'a Huffman code has more than n bits',
      'a stream of literals is cut short',
      'a table has too many symbols',
      'a match begins before everything that it may refer to',
      'sequences have more literals than there are',
      'the bit stream of literals has n bits too many',
      'the bit stream of sequences is too short',
      'the Huffman table has no weight for the last literal',
    ]) {
      expect([...said]).toContain(one);
    }
  });
});
