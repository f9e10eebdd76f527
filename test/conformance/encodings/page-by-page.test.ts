/** The encodings that take each member by itself. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BlockContent, DECODERS } from '../../../src/conformance/encodings/block.js';
import { PAGE_BYTES } from '../../../src/conformance/encodings/decoding.js';
import { seededRandom } from '../../support/random.js';
import { complaintOf } from './complaint.js';
import { drawPages } from './draw-pages.js';

const CONTENTS = ['wkdm64', 'wkdm32', 'sparse', 'lz4-delta', 'xbzrle'] as const;

function member(...bytes: readonly number[]): Buffer {
  return Buffer.from([bytes.length & 255, bytes.length >> 8, ...bytes]);
}

/** So many zeros, and then what follows them. */
function zeros(count: number, ...then: readonly number[]): Buffer {
  return member(...Array.from({ length: count }, () => 0), ...then);
}

function withByte(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = byte;
  return copy;
}

/** A page as it is. */
function plain(page: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x00, 0x10]), page]);
}

describe.each(CONTENTS)('a block of %s', (content) => {
  const decode = DECODERS[content];

  it('may hold pages as they are', () => {
    const pages = drawPages(3, 2);
    const into = Buffer.alloc(2 * PAGE_BYTES);
    const parts = [pages.subarray(0, PAGE_BYTES), pages.subarray(PAGE_BYTES)].map(plain);
    decode(Buffer.concat(parts), into, Buffer.alloc(into.byteLength));
    expect(into.equals(pages)).toBe(true);
  });

  it.each<[string, Buffer, RegExp]>([
    ['a member that is not there', plain(Buffer.alloc(PAGE_BYTES)), /^member 1: it has no length/],
    ['half a length', Buffer.from([1]), /^member 0: it has no length/],
    ['a length of 0', Buffer.from([0, 0]), /^member 0: its length is 0/],
    ['a length beyond a page', Buffer.from([1, 0x10]), /^member 0: its length is 4097/],
    ['a length beyond the end', Buffer.from([9, 0, 1]), /^member 0: it goes beyond the end/],
    ['more members', Buffer.alloc(3 * 4098, plain(Buffer.alloc(PAGE_BYTES))), /4098 bytes follow/],
    [
      'a second member that is none',
      Buffer.concat([plain(Buffer.alloc(PAGE_BYTES)), member(0x80)]),
      /^member 1: /,
    ],
  ])('is none with %s', (_what, encoding, says) => {
    expect(complaintOf(decode, encoding, 2)).toMatch(says);
  });

  it('decodes or says why not when its bytes are drawn', () => {
    let refused = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      const { whole } = seededRandom(seed);
      const bytes = Array.from({ length: whole(1, 600) }, () =>
        whole(0, 2) === 0 ? whole(0, 255) : 0,
      );
      if (complaintOf(decode, member(...bytes)) !== undefined) refused += 1;
    }
    expect(refused).toBeGreaterThan(400);
  });
});

/** What each encoding alone can have wrong. */
const WRONG: readonly (readonly [BlockContent, string, Buffer, RegExp])[] = [
  ['wkdm64', 'tags that are cut short', zeros(127), /127 bytes, and its tags have 128/],
  ['wkdm64', 'no word for a miss', withByte(zeros(128), 2, 3), /128 bytes, and its tags say 136/],
  ['wkdm64', 'a byte too many', zeros(129), /129 bytes, and its tags say 128/],
  [
    'wkdm64',
    'bits behind an odd number of indices',
    withByte(zeros(128, 0x10), 2, 1),
    /behind the last of its indices/,
  ],
  ['wkdm32', 'tags that are cut short', zeros(255), /255 bytes, and its tags have 256/],
  ['wkdm32', 'no low bits', withByte(zeros(256, 0), 2, 2), /257 bytes, and its tags say 259/],
  [
    'wkdm32',
    'bits behind the low bits',
    withByte(zeros(256, 0, 0x04, 0), 2, 2),
    /behind the last of its low bits/,
  ],
  ['sparse', 'a bitmap that is cut short', zeros(63), /63 bytes, and its bitmap has 64/],
  ['sparse', 'a word that is not there', withByte(zeros(71), 2, 1), /more words than there are/],
  ['sparse', 'a word that is 0', withByte(zeros(72), 2, 1), /word 0 is 0/],
  ['sparse', 'words that the bitmap does not say', zeros(72), /8 bytes follow/],
  ['lz4-delta', 'an offset beyond the base', member(0x0f, 0x01, 0x10, 0), /begins before/],
  ['lz4-delta', 'less than a page', member(0x10, 1), /decodes to 1 bytes/],
  ['xbzrle', 'no length of what differs', member(5), /before a length of different/],
  ['xbzrle', 'nothing that differs', member(5, 0), /is empty/],
  ['xbzrle', 'no equal bytes between two runs', member(0, 1, 7, 0, 1, 7), /between two runs/],
  ['xbzrle', 'a length in a longer form', member(0x85, 0x00, 1, 7), /shortest form/],
  ['xbzrle', 'a length of three bytes', member(0x85, 0x80, 1, 1, 7), /more than two bytes/],
  ['xbzrle', 'half a length', member(0x85), /ends within a length/],
  ['xbzrle', 'equal bytes beyond the page', member(0x81, 0x20, 1, 7), /equal bytes go beyond/],
  [
    'xbzrle',
    'other bytes beyond the page',
    member(0xff, 0x1f, 2, 7, 7),
    /different bytes go beyond the page/,
  ],
  ['xbzrle', 'other bytes that are cut short', member(5, 3, 7, 7), /beyond the end/],
  ['xbzrle', 'equal bytes at the end', member(0, 1, 7, 0xff, 0x1f), /before a length of different/],
  ['xbzrle', 'a whole page that is equal, and more', member(0x80, 0x20, 1, 7), /beyond the page/],
];

describe('an encoding of one page', () => {
  it.each(WRONG)('in %s is none with %s', (content, _what, encoding, says) => {
    expect(complaintOf(DECODERS[content], encoding)).toMatch(says);
  });
});

const document = readFileSync(new URL('../../../docs/encodings.md', import.meta.url), 'utf8');

describe.each([
  { content: 'wkdm64', bits: 64n, low: 16n },
  { content: 'wkdm32', bits: 32n, low: 10n },
] as const)('the dictionary of $content', ({ content, bits, low }) => {
  it('has a word that was missed where the document says', () => {
    const section = document.split(`\n## ${content}\n`)[1] ?? '';
    const multiplier = BigInt(/0x[0-9a-f]+/.exec(section)?.[0] ?? '');
    const wordBytes = Number(bits / 8n);
    const pairs = PAGE_BYTES / wordBytes / 2;
    for (let seed = 1; seed <= 100; seed += 1) {
      const { whole } = seededRandom(seed);
      const drawn = Array.from({ length: pairs }, () => {
        const word = Buffer.from(Array.from({ length: wordBytes }, () => whole(0, 255)));
        const x = BigInt(`0x${Buffer.from(word).reverse().toString('hex')}`);
        const place = BigInt.asUintN(Number(bits), (x >> low) * multiplier) >> (bits - 4n);
        return { word, place: Number(place) };
      });
      // Each word is a miss, and then an exact match with what is at its place.
      const tags = Buffer.alloc(pairs / 2, 0b0111_0111);
      const indices = Buffer.alloc(pairs / 2);
      for (const [at, { place }] of drawn.entries()) {
        indices[at >> 1] = (indices[at >> 1] ?? 0) | (place << (4 * (at % 2)));
      }
      const words = drawn.map(({ word }) => word);
      const encoded = Buffer.concat([tags, ...words, indices]);
      const into = Buffer.alloc(PAGE_BYTES);
      DECODERS[content](member(...encoded), into, into);
      expect(into.equals(Buffer.concat(words.flatMap((word) => [word, word])))).toBe(true);
    }
  });
});
