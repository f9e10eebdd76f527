import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, MAX_MESSAGE_BYTES } from '../../src/protocol/framing.js';
import { valuesOf } from '../support/frames.js';
import { seededRandom } from '../support/random.js';

const MESSAGES = [
  { type: 'alive' },
  { type: 'clock', sentNs: 12_345_678_901_234_567_890n },
  { type: 'round', sync: 2 ** 40 },
  {
    type: 'open',
    spaces: [{ kind: 'ram', bytes: 4096, pageBytes: 4096 }],
    description: new Uint8Array([1, 2]),
  },
  { type: 'failed', code: 'PEER_GONE', message: 'ün​gewöhnlich – but text' },
  { type: 'switchover', postCopy: true, state: new Uint8Array(70_000).fill(7) },
];

/** As a control channel reads them. */
function framesOf(...chunks: Buffer[]): unknown[] {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => {
    decoder.push(chunk);
    return valuesOf(decoder);
  });
}

function lengthOnly(length: number): Buffer {
  const frame = Buffer.alloc(4);
  frame.writeUInt32LE(length);
  return frame;
}

/** Comparable: what carries bytes comes back as a Buffer. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === 'bigint') return `${item}n`;
      return item instanceof Uint8Array ? [...item] : item;
    }).replaceAll('{"type":"Buffer","data":', '{"bytes":'),
  );
}

function bytesOf(message: object): object {
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? [...value] : value,
    ]),
  );
}

describe('a frame', () => {
  it.each(MESSAGES)('brings $type as it was', (message) => {
    const [value] = framesOf(Buffer.from(encodeFrame(message)));
    expect(plain(bytesOf(value as object))).toEqual(plain(bytesOf(message)));
  });

  it('starts with its length in four bytes, least significant first', () => {
    const frame = Buffer.from(encodeFrame({ type: 'alive' }));
    expect(frame.readUInt32LE(0)).toBe(frame.byteLength - 4);
  });

  it('keeps 64-bit integers exact', () => {
    const sentNs = 2n ** 63n - 1n;
    const [value] = framesOf(Buffer.from(encodeFrame({ sentNs })));
    expect(value).toEqual({ sentNs });
  });
});

describe('a stream of frames', () => {
  const stream = Buffer.concat(MESSAGES.map((message) => Buffer.from(encodeFrame(message))));
  const whole = framesOf(stream);

  it('gives every message of one chunk', () => {
    expect(whole).toHaveLength(MESSAGES.length);
  });

  it('gives the same messages byte by byte', () => {
    const chunks = Array.from({ length: 1000 }, (_, at) => stream.subarray(at, at + 1));
    const values = framesOf(...chunks, stream.subarray(1000));
    expect(values).toEqual(whole);
  });

  it.each([1, 2, 3, 4, 5])('gives the same messages however it is split (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.byteLength; ) {
      const length = random.pick([1, 2, 3, 5, 17, 1000, 65_536]);
      chunks.push(stream.subarray(at, at + length));
      at += length;
    }
    const values = framesOf(...chunks);
    expect(values).toEqual(whole);
  });

  it('gives nothing of a frame that is not complete', () => {
    expect(framesOf(stream.subarray(0, 6))).toEqual([]);
  });

  it('takes a flood of small frames in one chunk', () => {
    const one = Buffer.from(encodeFrame({ type: 'alive' }));
    const flood = Buffer.concat(Array.from({ length: 50_000 }, () => one));
    expect(framesOf(flood)).toHaveLength(50_000);
  });
});

describe('what is not a frame of ours', () => {
  it.each([MAX_MESSAGE_BYTES + 1, 0x7fff_ffff, 0xffff_ffff])(
    'is refused by its length of %i before a byte of it arrives',
    (length) => {
      expect(() => framesOf(lengthOnly(length))).toThrow(RangeError);
    },
  );

  it('waits for a message of the greatest length that is allowed', () => {
    expect(framesOf(lengthOnly(MAX_MESSAGE_BYTES))).toEqual([]);
  });

  it('is refused when its bytes are no MessagePack', () => {
    const truncatedMap = Buffer.concat([lengthOnly(1), Buffer.from([0x8f])]);
    expect(() => framesOf(truncatedMap)).toThrow();
  });

  it('is refused when it is empty', () => {
    expect(() => framesOf(lengthOnly(0))).toThrow();
  });

  it('is refused when something follows the message within the frame', () => {
    const doubled = Buffer.concat([lengthOnly(2), Buffer.from([0x01, 0x02])]);
    expect(() => framesOf(doubled)).toThrow();
  });

  it('cannot reach an object that everybody inherits from', () => {
    const key = Buffer.from('__proto__');
    const body = Buffer.concat([
      Buffer.from([0x81, 0xa0 + key.byteLength]),
      key,
      Buffer.from([0x81, 0xa1, 0x78, 0x01]),
    ]);
    framesOf(Buffer.concat([lengthOnly(body.byteLength), body]));
    expect('x' in {}).toBe(false);
  });

  it('throws errors, and nothing worse, for random bytes', () => {
    const random = seededRandom(99);
    for (let round = 0; round < 300; round += 1) {
      const body = Buffer.from(
        Array.from({ length: random.whole(1, 64) }, () => random.whole(0, 255)),
      );
      try {
        framesOf(Buffer.concat([lengthOnly(body.byteLength), body]));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});
