import { describe, expect, it } from 'vitest';
import { decodeLz4Block } from '../../src/conformance/lz4-block.js';
import { binding } from '../../src/native/binding.js';
import { seededRandom } from '../support/random.js';

const PAGE_BYTES = 4096;

/** Runs, repetitions at all distances and random stretches: what makes every kind of sequence. */
function drawPage(seed: number): Buffer {
  const { whole } = seededRandom(seed);
  const page = Buffer.alloc(PAGE_BYTES);
  for (let at = 0; at < PAGE_BYTES; ) {
    const length = Math.min(PAGE_BYTES - at, whole(1, whole(0, 3) === 0 ? 700 : 30));
    const kind = whole(0, 2);
    const from = whole(0, Math.max(0, at - 1));
    const byte = whole(0, 255);
    for (let i = 0; i < length; i += 1) {
      const repeated = kind === 0 ? byte : page[from + i];
      page[at + i] = kind === 2 ? whole(0, 255) : (repeated as number);
    }
    at += length;
  }
  return page;
}

describe('the decoder of LZ4 blocks', () => {
  it('decodes what the engine encodes, to the byte', () => {
    let encoded = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      const page = drawPage(seed);
      const block = binding.encodePage('lz4', page);
      if (block === null) continue;
      encoded += 1;
      const decoded = Buffer.alloc(PAGE_BYTES);
      expect(decodeLz4Block(block, decoded)).toBeUndefined();
      expect(decoded.equals(page)).toBe(true);
    }
    expect(encoded).toBeGreaterThan(300);
  });

  it('says why a block that was changed is none, or decodes to a page, and goes beyond neither', () => {
    const refused = new Set<string>();
    for (let seed = 1; seed <= 2000; seed += 1) {
      const { whole } = seededRandom(seed);
      const block = binding.encodePage('lz4', drawPage(1 + (seed % 50)));
      if (block === null) continue;
      const changed = Buffer.from(
        block.subarray(0, seed % 2 === 0 ? block.byteLength : whole(1, block.byteLength)),
      );
      changed[whole(0, changed.byteLength - 1)] = whole(0, 255);
      const complaint = decodeLz4Block(changed, Buffer.alloc(PAGE_BYTES));
      if (complaint !== undefined) refused.add(complaint.replace(/\d+/, 'n'));
    }
    expect([...refused].sort()).toEqual([
      'a match begins before the page does',
      'a match has no offset',
      'it decodes to more bytes than a page has',
      'it decodes to n bytes',
      'it ends without literals',
      'literals go beyond the end of the block',
      'the length of a match goes beyond the end of the block',
    ]);
  });
});
