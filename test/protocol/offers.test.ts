import { describe, expect, it } from 'vitest';
import { contentsOf } from '../../src/policy/effort/compression.js';
import type { Offers } from '../../src/protocol/messages.js';
import {
  acceptedOf,
  checkAccepted,
  knownContents,
  offersOf,
  SPACE_KINDS,
} from '../../src/protocol/offers.js';
import { COMPRESSIONS } from '../../src/vocabulary.js';

const LEAST: Offers = { contents: ['raw', 'zero'], spaceKinds: ['ram'] };

describe('what a source offers', () => {
  it.each(COMPRESSIONS)('is always taken here, whole (%s)', (compression) => {
    for (const mayServeFaults of [false, true]) {
      const offers = offersOf(contentsOf(compression), mayServeFaults);
      const accepts = acceptedOf(offers);
      expect(new Set(accepts.contents)).toEqual(new Set(offers.contents));
      expect(accepts.spaceKinds).toEqual(offers.spaceKinds);
      expect(() => checkAccepted(offers, accepts, 'there')).not.toThrow();
    }
  });

  it('has pages that are missing only where the migration may go on with them missing', () => {
    expect(offersOf([], true).contents).toContain('missing');
    expect(offersOf([], false).contents).not.toContain('missing');
  });

  it('has an encoding only where pages are encoded', () => {
    expect(offersOf(contentsOf('raw'), true).contents).not.toContain('lz4');
    expect(offersOf(contentsOf('lz4'), false).contents).toContain('lz4');
  });
});

describe('what a destination accepts', () => {
  it('is what it knows of that', () => {
    const offers = {
      contents: ['delta', 'lz4', 'zero', 'raw'],
      spaceKinds: ['disk', 'ram'],
    };
    expect(acceptedOf(offers)).toEqual({
      contents: ['raw', 'zero', 'lz4'],
      spaceKinds: ['ram'],
    });
  });

  it('is not more than the protocol has, nor twice the same', () => {
    const contents = [...knownContents(), ...knownContents(), 'toString', '__proto__'];
    const accepted = acceptedOf({
      ...LEAST,
      contents,
      spaceKinds: [...SPACE_KINDS, ...SPACE_KINDS],
    });
    expect(accepted.contents).toEqual(knownContents());
    expect(accepted.spaceKinds).toEqual(SPACE_KINDS);
  });

  it.each([[[]], [['raw']], [['zero', 'lz4']]])(
    'is nothing of %j, which lacks what is needed',
    (contents) => {
      expect(() => acceptedOf({ ...LEAST, contents })).toThrow(
        expect.objectContaining({ code: 'PROTOCOL', message: expect.stringContaining('lacks') }),
      );
    },
  );
});

describe('an acceptance', () => {
  it.each<[string, Partial<Offers>, string]>([
    ['of a content that was not offered', { contents: ['raw', 'zero', 'lz4'] }, 'lz4'],
    ['of a kind of space that was not offered', { spaceKinds: ['ram', 'disk'] }, 'disk'],
    ['without raw pages', { contents: ['zero'] }, 'did not accept raw'],
  ])('%s is a breach of protocol', (_what, changes, says) => {
    expect(() => checkAccepted(LEAST, { ...LEAST, ...changes }, 'there:1')).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL',
        peer: 'there:1',
        message: expect.stringContaining(says),
      }),
    );
  });
});
