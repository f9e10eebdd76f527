import { describe, expect, it } from 'vitest';
import type { RoundOutcome } from '../../src/policy/convergence.js';
import { hybrid, postCopy, preCopy, stopAndCopy } from '../../src/strategy/strategy.js';

const LIMITS = {
  downtimeBudgetMs: 50,
  maxRounds: 3,
  memoryPages: 1000,
  otherwise: 'abort',
} as const;

function rounds(count: number, dirtyPages: number): RoundOutcome[] {
  const one = { pages: 1000, wireBytes: 4_112_000, ms: 1000, dirtyPages };
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
  it('decides by its limits', () => {
    const strategy = preCopy(LIMITS);
    expect(strategy.next([])).toBe('next-round');
    expect(strategy.next(rounds(1, 10))).toBe('stop-and-copy');
    expect(strategy.next(rounds(1, 500))).toBe('next-round');
    expect(strategy.next(rounds(3, 500))).toBe('abort');
  });

  it('serves faults only where it may end in post-copy', () => {
    expect(preCopy(LIMITS).mayServeFaults).toBe(false);
    expect(preCopy({ ...LIMITS, otherwise: 'stop-and-copy' }).mayServeFaults).toBe(false);
    expect(preCopy({ ...LIMITS, otherwise: 'post-copy' }).mayServeFaults).toBe(true);
  });
});
