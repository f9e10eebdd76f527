/** Encodings of blocks made by hand, from docs/encodings.md alone. What the pages hold does not matter here. */
import { type EntryFields, PAGE_BYTES } from './handmade-capture.js';

export type BlockContent =
  | 'lz4'
  | 'zstd'
  | 'wkdm64'
  | 'wkdm32'
  | 'sparse'
  | 'zstd-delta'
  | 'lz4-delta'
  | 'xbzrle';

/** One literal, a match that repeats it, and five literals at the end: what decodes to so many bytes. */
function lz4(bytes: number): Buffer {
  const rest = bytes - 6 - 4 - 15;
  const lengths = [...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255];
  return Buffer.from([0x1f, 0x46, 1, 0, ...lengths, 0x50, 1, 2, 3, 4, 5]);
}

/** A header, and a block of type RLE for each page. `reach`: of the content and the bases. */
function zstd(members: number, reach: number): Buffer {
  const window = 8 * (Math.ceil(Math.log2(reach)) - 10);
  const blocks = Array.from({ length: members }, (_, at) => {
    const header = Buffer.alloc(4, 0x46);
    header.writeUIntLE((PAGE_BYTES << 3) | (1 << 1) | (at === members - 1 ? 1 : 0), 0, 3);
    return header;
  });
  return Buffer.concat([Buffer.from([0, window]), ...blocks]);
}

/** Each page with its length before it. */
export function pageByPage(members: number, page: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(page.byteLength);
  return Buffer.concat(Array.from({ length: members }, () => [length, page]).flat());
}

const ENCODINGS: Readonly<Record<BlockContent, (members: number) => Buffer>> = {
  lz4: (members) => lz4(members * PAGE_BYTES),
  zstd: (members) => zstd(members, members * PAGE_BYTES),
  // Tags and bitmaps of nothing but zeros are pages of zeros.
  wkdm64: (members) => pageByPage(members, Buffer.alloc(128)),
  wkdm32: (members) => pageByPage(members, Buffer.alloc(256)),
  sparse: (members) => pageByPage(members, Buffer.alloc(64)),
  'zstd-delta': (members) => zstd(members, 2 * members * PAGE_BYTES),
  // A literal, a match of all but five bytes at the distance of a page, and five literals.
  'lz4-delta': (members) =>
    pageByPage(
      members,
      Buffer.from([
        0x1f,
        7,
        0x00,
        0x10,
        ...Array.from({ length: 15 }, () => 255),
        246,
        0x50,
        1,
        2,
        3,
        4,
        5,
      ]),
    ),
  xbzrle: (members) => pageByPage(members, Buffer.from([5, 1, 7])),
};

export const BLOCK_CONTENTS = Object.keys(ENCODINGS) as BlockContent[];

export function encodingOf(content: BlockContent, members: number): Buffer {
  return ENCODINGS[content](members);
}

/** The bitmap of members, lowest bit first: `1001` are the first and the fourth of four pages. */
export function bitmapOf(bits: string): Buffer {
  const bitmap = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of [...bits].entries()) {
    if (bit === '1') bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
  }
  return bitmap;
}

/** A right block of these pages: `1` is a member, and `0` a page between members that is none. */
export function block(content: BlockContent, page: number, bits: string): EntryFields {
  const members = bits.replaceAll('0', '').length;
  const bitmap = members < bits.length ? bitmapOf(bits) : Buffer.alloc(0);
  const payload = Buffer.concat([bitmap, encodingOf(content, members)]);
  return { page, content, pages: bits.length, members, payload };
}
