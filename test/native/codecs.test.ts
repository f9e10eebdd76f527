import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { seededRandom } from '../support/random.js';

const PAGE_BYTES = 4096;

/** The npm package's own block codec, written in JavaScript: shares no line with the C library. */
interface BlockCodec {
  uncompress(input: Buffer, output: Buffer): number;
  compress(input: Buffer, output: Buffer): number;
}
const npmLz4 = createRequire(import.meta.url)('lz4/lib/binding.js') as BlockCodec;

function page(render: (at: number) => number): Buffer {
  return Buffer.from(Array.from({ length: PAGE_BYTES }, (_, at) => render(at) & 0xff));
}

const random = seededRandom(7);
const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url));
const executable = readFileSync(process.execPath).subarray(0, 64 * PAGE_BYTES);

/** Pages that an LZ4 block is shorter than. */
const compressible: readonly (readonly [string, Buffer])[] = [
  ['zeros', page(() => 0)],
  ['one byte repeated', page(() => 0xab)],
  ['a short period', page((at) => at % 7)],
  ['a long period', page((at) => Math.imul(at % 1021, 2654435761))],
  ['text', Buffer.from(text.subarray(0, PAGE_BYTES))],
  ['pointers', page((at) => [0x40, at >> 8, 0, 0, 0x7f, 0, 0, 0][at % 8] as number)],
  ['random but for its tail', page((at) => (at < 2000 ? random.whole(0, 255) : 0))],
  ['random but for its head', page((at) => (at < 2000 ? 0 : random.whole(0, 255)))],
  ['zeros but for its last byte', page((at) => (at === PAGE_BYTES - 1 ? 1 : 0))],
  ...Array.from({ length: 50 }, (_, seed): [string, Buffer] => {
    const one = seededRandom(seed);
    const alphabet = one.whole(1, 5);
    return [`random letters, seed ${seed}`, page(() => one.whole(0, alphabet))];
  }),
];

function encode(codec: string, plain: Uint8Array): Uint8Array {
  const encoded = binding.encodeBlock(codec, 1, plain, null);
  if (encoded === null) throw new Error('this page was expected to get shorter');
  return encoded;
}

describe('lz4', () => {
  it('is the library that was reviewed', () => {
    expect(binding.lz4Version()).toBe('1.10.0');
  });

  it.each(compressible)('shortens %s and brings it back', (_what, plain) => {
    const encoded = encode('lz4', plain);
    expect(encoded.byteLength).toBeLessThan(PAGE_BYTES);
    expect(Buffer.from(binding.decodeBlock('lz4', encoded, PAGE_BYTES, null)).equals(plain)).toBe(
      true,
    );
  });

  it.each(compressible)('makes blocks of %s that the npm package lz4 reads', (_what, plain) => {
    const decoded = Buffer.alloc(PAGE_BYTES);
    const encoded = Buffer.from(encode('lz4', plain));
    expect(npmLz4.uncompress(encoded, decoded)).toBe(PAGE_BYTES);
    expect(decoded.equals(plain)).toBe(true);
  });

  it.each(compressible)('reads blocks of %s that the npm package lz4 made', (_what, plain) => {
    const encoded = Buffer.alloc(2 * PAGE_BYTES);
    const length = npmLz4.compress(plain, encoded);
    expect(length).toBeGreaterThan(0);
    const decoded = binding.decodeBlock('lz4', encoded.subarray(0, length), PAGE_BYTES, null);
    expect(Buffer.from(decoded).equals(plain)).toBe(true);
  });

  it('reads what the npm package makes of a program’s pages, and the other way round', () => {
    for (let at = 0; at < executable.byteLength; at += PAGE_BYTES) {
      const plain = executable.subarray(at, at + PAGE_BYTES);
      const encoded = binding.encodeBlock('lz4', 1, plain, null);
      if (encoded === null) continue;
      const decoded = Buffer.alloc(PAGE_BYTES);
      expect(npmLz4.uncompress(Buffer.from(encoded), decoded)).toBe(PAGE_BYTES);
      expect(decoded.equals(plain)).toBe(true);
    }
  });

  it('leaves a page alone that it cannot shorten', () => {
    expect(
      binding.encodeBlock(
        'lz4',
        1,
        page(() => random.whole(0, 255)),
        null,
      ),
    ).toBeNull();
  });
});

describe('lz4, given what it never made,', () => {
  const encoded = encode('lz4', compressible[4]?.[1] as Buffer);

  it('refuses a block that ends early', () => {
    for (let length = 0; length < encoded.byteLength; length += 7) {
      expect(() =>
        binding.decodeBlock('lz4', encoded.subarray(0, length), PAGE_BYTES, null),
      ).toThrow();
    }
  });

  it('refuses a block of more or fewer pages', () => {
    const pair = encode('lz4', Buffer.alloc(2 * PAGE_BYTES, 'pair'));
    expect(() => binding.decodeBlock('lz4', encoded, 2 * PAGE_BYTES, null)).toThrow();
    expect(() => binding.decodeBlock('lz4', pair, PAGE_BYTES, null)).toThrow();
  });

  it('never reads or writes outside its buffers, whatever the bytes', () => {
    const noise = seededRandom(3);
    for (let round = 0; round < 3000; round += 1) {
      const bytes = Buffer.from(encoded);
      const flips = noise.whole(1, 8);
      for (let flip = 0; flip < flips; flip += 1) {
        bytes[noise.whole(0, bytes.byteLength - 1)] = noise.whole(0, 255);
      }
      try {
        expect(binding.decodeBlock('lz4', bytes, PAGE_BYTES, null)).toHaveLength(PAGE_BYTES);
      } catch (error) {
        expect(error).toMatchObject({ code: 'PROTOCOL' });
      }
    }
  });
});

describe('the encodings', () => {
  it('do not include one that nobody wrote', () => {
    const zeros = new Uint8Array(PAGE_BYTES);
    expect(() => binding.encodeBlock('zip', 1, zeros, null)).toThrow('no encoding called zip');
    expect(() => binding.encodeBlock('raw', 1, zeros, null)).toThrow('no encoding called raw');
  });

  it('take blocks of whole pages, and bases of the same length', () => {
    const pages = (count: number) => new Uint8Array(count * PAGE_BYTES);
    expect(() => binding.encodeBlock('lz4', 1, pages(65), null)).toThrow('1 to 64 pages');
    expect(() => binding.encodeBlock('lz4', 1, pages(0.5), null)).toThrow('1 to 64 pages');
    expect(() => binding.encodeBlock('zstd-delta', 1, pages(2), pages(1))).toThrow('as long');
    expect(() => binding.encodeBlock('zstd', 20, pages(1), null)).toThrow('1 to 19');
  });
});
