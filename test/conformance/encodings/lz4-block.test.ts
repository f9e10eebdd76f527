import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { PAGE_BYTES } from '../../../src/conformance/encodings/decoding.js';
import { decodeLz4Block } from '../../../src/conformance/encodings/lz4-block.js';
import { seededRandom } from '../../support/random.js';
import { complaintOf } from './complaint.js';
import { drawPages } from './draw-pages.js';

/** A binding of the C library, which has no types. */
const lz4 = createRequire(import.meta.url)('lz4') as {
  encodeBound(bytes: number): number;
  encodeBlock(input: Buffer, output: Buffer): number;
};

function encoded(pages: Buffer): Buffer {
  const output = Buffer.alloc(lz4.encodeBound(pages.byteLength));
  return output.subarray(0, lz4.encodeBlock(pages, output));
}

/** What follows a nibble of 15 for such a length. */
function more(length: number): number[] {
  if (length < 15) return [];
  const rest = length - 15;
  return [...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255];
}

/** A token, and what follows it for so many literals. */
function token(literals: number, match: number): number[] {
  return [(Math.min(literals, 15) << 4) | Math.min(match - 4, 15), ...more(literals)];
}

describe('the decoder of LZ4 blocks', () => {
  it('decodes what the LZ4 library encodes, to the byte', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const pages = drawPages(seed, 1 + (seed % 3));
      const decoded = Buffer.alloc(pages.byteLength);
      decodeLz4Block(encoded(pages), decoded);
      expect(decoded.equals(pages)).toBe(true);
    }
  });

  it('reaches back into a dictionary as if it came before the block', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const pages = drawPages(seed, 2);
      // One literal and a match of all the rest of a page but five bytes, at the distance of a page.
      const match = [0x1f, 7, 0x00, 0x10, ...Array.from({ length: 15 }, () => 255), 246];
      const block = Buffer.from([...match, 0x50, 1, 2, 3, 4, 5]);
      const page = Buffer.alloc(PAGE_BYTES);
      decodeLz4Block(block, page, pages.subarray(0, PAGE_BYTES));
      const expected = [7, ...pages.subarray(1, PAGE_BYTES - 5), 1, 2, 3, 4, 5];
      expect(page.equals(Buffer.from(expected))).toBe(true);
    }
  });

  it.each([
    ['ends with four literals', 4, 4096 - 1 - 4, false],
    ['ends with five literals', 5, 4096 - 1 - 5, true],
    ['has a last match 11 bytes before its end', 7, 4, false],
    ['has a last match 12 bytes before its end', 8, 4, true],
  ])('judges how a block ends: one that %s', (_how, literals, match, isRight) => {
    const page = Buffer.alloc(PAGE_BYTES, 7);
    const first = PAGE_BYTES - match - literals;
    const block = [...token(first, match), ...page.subarray(0, first), 1, 0];
    block.push(...more(match - 4), literals << 4, ...page.subarray(0, literals));
    const complaint = complaintOf((bytes, into) => decodeLz4Block(bytes, into), Buffer.from(block));
    if (isRight) expect(complaint).toBeUndefined();
    else expect(complaint).toMatch(/too near to the end/);
  });

  it('says why a block that was changed is none, or decodes it, and goes beyond neither end', () => {
    const refused = new Set<string>();
    for (let seed = 1; seed <= 2000; seed += 1) {
      const { whole } = seededRandom(seed);
      const block = encoded(drawPages(1 + (seed % 50)));
      const length = seed % 2 === 0 ? block.byteLength : whole(1, block.byteLength);
      const changed = Buffer.from(block.subarray(0, length));
      changed[whole(0, changed.byteLength - 1)] = whole(0, 255);
      const complaint = complaintOf((bytes, into) => decodeLz4Block(bytes, into), changed);
      if (complaint !== undefined) refused.add(complaint.replace(/\d+/, 'n'));
    }
    expect([...refused].sort()).toEqual([
      'a match begins before everything that it may refer to',
      'a match has no offset',
      'it decodes to n bytes',
      'it decodes to too many bytes',
      'it ends without literals',
      'literals go beyond the end of the block',
      'the length of a match goes beyond the end of the block',
    ]);
  });
});
