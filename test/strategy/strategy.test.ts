import { describe, expect, it } from 'vitest';
import { DECISIONS, type Decision, type RoundOutcome } from '../../src/policy/convergence.js';
import {
  ask,
  hybrid,
  ownStrategy,
  postCopy,
  preCopy,
  type Strategy,
  stopAndCopy,
} from '../../src/strategy/strategy.js';

const LIMITS = {
  downtimeBudgetMs: 50,
  maxRounds: 3,
  memoryPages: 1000,
  otherwise: 'abort',
  bandwidthBytesPerSecond: 0,
} as const;

function rounds(count: number, dirtyPages: number): RoundOutcome[] {
  const pages = {
    pages: 1000,
    pagesRaw: 1000,
    pagesZero: 0,
    pagesEncoded: 0,
    pagesDelta: 0,
    bytesDelta: 0,
  };
  const one = { ...pages, wireBytes: 4_112_000, ms: 1000, dirtyPages };
  return Array.from({ length: count }, () => one);
}

describe('stop-and-copy', () => {
  it('pauses the guest at once and serves no faults', () => {
    expect(stopAndCopy().next([])).toBe('stop-and-copy');
    expect(stopAndCopy().mayServeFaults).toBe(false);
  });
});

describe('post-copy', () => {
  it('switches over at once and serves faults', () => {
    expect(postCopy().next([])).toBe('post-copy');
    expect(postCopy().mayServeFaults).toBe(true);
  });
});

describe('hybrid', () => {
  it('takes one round, then switches over, converging or not', () => {
    expect(hybrid().next([])).toBe('next-round');
    expect(hybrid().next(rounds(1, 0))).toBe('post-copy');
    expect(hybrid().next(rounds(1, 1000))).toBe('post-copy');
    expect(hybrid().mayServeFaults).toBe(true);
  });
});

describe('pre-copy', () => {
  it('decides by its limits, and says why', () => {
    const strategy = preCopy(LIMITS);
    expect(strategy.next([])).toMatchObject({ decision: 'next-round' });
    expect(strategy.next(rounds(1, 10))).toMatchObject({
      decision: 'stop-and-copy',
      stoppedBecause: 'within-budget',
    });
    expect(strategy.next(rounds(1, 500))).toMatchObject({ decision: 'next-round' });
    expect(strategy.next(rounds(3, 500))).toMatchObject({
      decision: 'abort',
      stoppedBecause: 'max-rounds',
    });
  });

  it('serves faults only where it may end in post-copy', () => {
    expect(preCopy(LIMITS).mayServeFaults).toBe(false);
    expect(preCopy({ ...LIMITS, otherwise: 'stop-and-copy' }).mayServeFaults).toBe(false);
    expect(preCopy({ ...LIMITS, otherwise: 'post-copy' }).mayServeFaults).toBe(true);
  });

  it.each([
    ['downtimeBudgetMs', Number.NaN],
    ['downtimeBudgetMs', -1],
    ['maxRounds', 0],
    ['memoryPages', '1000'],
    ['otherwise', 'next-round'],
    ['bandwidthBytesPerSecond', -1],
  ])('refuses %s %s', (field, value) => {
    expect(() => preCopy({ ...LIMITS, [field]: value })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(field) }),
    );
  });
});

describe('a strategy of your own', () => {
  const abort = (): Decision => 'abort';
  const own = (next: () => unknown, mayServeFaults = false) =>
    ({ name: 'mine', mayServeFaults, next }) as Strategy;

  it('is asked, and its bare decision needs no reason', () => {
    for (const decision of DECISIONS) {
      expect(
        ask(
          own(() => decision, true),
          [],
        ),
      ).toEqual({ decision, preCopy: null });
    }
  });

  it('is told what is wrong with what it answers', () => {
    const nonsense = [undefined, null, 7, 'go on', {}, [], Promise.resolve('next-round')];
    for (const answer of [...nonsense, Promise.reject(new Error('late')), { decision: 'abort' }]) {
      expect(() =>
        ask(
          own(() => answer),
          [],
        ),
      ).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('mine') }),
      );
    }
  });

  it('that throws ends the migration with its reason', () => {
    const broken = own(() => {
      throw new Error('division by hope');
    });
    expect(() => ask(broken, [])).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining('division by hope'),
      }),
    );
  });

  it('may not end in post-copy without saying so', () => {
    expect(() =>
      ask(
        own(() => 'post-copy'),
        [],
      ),
    ).toThrow(expect.objectContaining({ message: expect.stringContaining('mayServeFaults') }));
  });

  it.each([
    [{ next: abort, mayServeFaults: false }, 'name'],
    [{ name: '', next: abort, mayServeFaults: false }, 'name'],
    [{ name: 'mine', next: abort }, 'mayServeFaults'],
    [{ name: 'mine', mayServeFaults: false, next: 'abort' }, 'next'],
  ])('cannot be %j', (strategy, field) => {
    expect(() => ownStrategy(strategy as unknown as Strategy)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(field) }),
    );
  });
});
