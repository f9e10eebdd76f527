import { describe, expect, it } from 'vitest';
import {
  type ConvergenceLimits,
  decide,
  predictDowntimeMs,
  type RoundOutcome,
} from '../../src/policy/convergence.js';
import { type Random, seededRandom } from '../support/random.js';

const LIMITS: ConvergenceLimits = {
  downtimeBudgetMs: 50,
  maxRounds: 30,
  memoryPages: 100_000,
  otherwise: 'abort',
};

function round(pages: number, ms: number, dirtyPages: number): RoundOutcome {
  return { pages, ms, dirtyPages, wireBytes: pages * 4112 };
}

function randomLimits(random: Random): ConvergenceLimits {
  return {
    downtimeBudgetMs: random.pick([0, 1, 50, 1000]),
    maxRounds: random.whole(1, 40),
    memoryPages: random.pick([1, 100, 100_000]),
    otherwise: random.pick(['stop-and-copy', 'post-copy', 'abort'] as const),
  };
}

function randomRounds(random: Random, most: number): RoundOutcome[] {
  return Array.from({ length: random.whole(1, most) }, () =>
    round(random.whole(0, 100_000), random.unit() * 1000, random.whole(0, 100_000)),
  );
}

const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);

/** A guest whose writes are known, migrated by what decide says. */
function simulate(
  limits: ConvergenceLimits,
  pagesPerMs: number,
  dirtyAfter: (ms: number) => number,
) {
  const rounds: RoundOutcome[] = [];
  let toSend = limits.memoryPages;
  let decision = decide(rounds, limits);
  while (decision === 'next-round' && rounds.length < 1000) {
    const ms = toSend / pagesPerMs;
    const dirty = Math.min(limits.memoryPages, Math.floor(dirtyAfter(ms)));
    rounds.push(round(toSend, ms, dirty));
    toSend = dirty;
    decision = decide(rounds, limits);
  }
  return { rounds, decision };
}

describe('the predicted downtime', () => {
  it('is endless before anything was measured', () => {
    expect(predictDowntimeMs([])).toBe(Number.POSITIVE_INFINITY);
  });

  it('is nothing when nothing is dirty', () => {
    expect(predictDowntimeMs([round(1000, 10, 0)])).toBe(0);
  });

  it('is the dirty pages at the last rate', () => {
    expect(predictDowntimeMs([round(10_000, 100, 10_000), round(10_000, 200, 500)])).toBe(10);
  });

  it('does not believe a rate that was measured on a handful of pages', () => {
    expect(predictDowntimeMs([round(10_000, 100, 20), round(20, 100, 500)])).toBe(5);
  });

  it('takes what there is when every round was small', () => {
    expect(predictDowntimeMs([round(100, 10, 50), round(50, 50, 10)])).toBe(1);
  });

  it('is endless, not nothing, when every page was too hot to be sent', () => {
    expect(predictDowntimeMs([round(0, 1, 10)])).toBe(Number.POSITIVE_INFINITY);
    expect(predictDowntimeMs([round(0, 1, 10), round(100, 10, 20)])).toBe(2);
  });

  it('grows in step with the dirty pages', () => {
    for (const seed of seeds) {
      const rounds = randomRounds(seededRandom(seed), 5);
      const last = rounds.at(-1) as RoundOutcome;
      const twice = [...rounds.slice(0, -1), { ...last, dirtyPages: last.dirtyPages * 2 }];
      if (predictDowntimeMs(rounds) !== Number.POSITIVE_INFINITY) {
        expect(predictDowntimeMs(twice)).toBeCloseTo(predictDowntimeMs(rounds) * 2);
      }
      expect(predictDowntimeMs(rounds)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('pre-copy', () => {
  it('begins with a round', () => {
    expect(decide([], LIMITS)).toBe('next-round');
  });

  it('ends as soon as the rest fits the downtime budget, exactly too', () => {
    expect(decide([round(10_000, 100, 5001)], LIMITS)).toBe('next-round');
    expect(decide([round(10_000, 100, 5000)], LIMITS)).toBe('stop-and-copy');
  });

  it('ends for an idle guest after round 0', () => {
    expect(simulate(LIMITS, 100, () => 0)).toMatchObject({
      decision: 'stop-and-copy',
      rounds: { length: 1 },
    });
  });

  it('converges when the guest writes slower than pages are sent', () => {
    const { rounds, decision } = simulate(LIMITS, 100, (ms) => ms * 50);
    expect(decision).toBe('stop-and-copy');
    expect(rounds.length).toBeGreaterThan(2);
    expect(rounds.length).toBeLessThan(10);
  });

  it('gives up at the writable working set, which never gets smaller', () => {
    const { rounds, decision } = simulate(LIMITS, 100, () => 20_000);
    expect(decision).toBe('abort');
    expect(rounds).toHaveLength(4);
  });

  it('gives up when it has sent the memory three times over', () => {
    const limits = { ...LIMITS, maxRounds: 1000, downtimeBudgetMs: 0 };
    const { rounds, decision } = simulate(limits, 100, (ms) => Math.max(1, ms * 99));
    expect(decision).toBe('abort');
    expect(rounds.reduce((sum, { pages }) => sum + pages, 0)).toBeGreaterThan(300_000);
  });

  it('gives up after its rounds', () => {
    const { rounds, decision } = simulate({ ...LIMITS, maxRounds: 2 }, 100, (ms) => ms * 90);
    expect(decision).toBe('abort');
    expect(rounds).toHaveLength(2);
  });

  it.each(['stop-and-copy', 'post-copy', 'abort'] as const)(
    'then does as told: %s',
    (otherwise) => {
      expect(simulate({ ...LIMITS, otherwise }, 100, () => 50_000).decision).toBe(otherwise);
    },
  );
});

describe('a decision, whatever the rounds were like', () => {
  it('is another round, the end, or what was told', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = randomLimits(random);
      const decision = decide(randomRounds(random, 45), limits);
      expect(['next-round', 'stop-and-copy', limits.otherwise]).toContain(decision);
    }
  });

  it('is no other round after the last', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const rounds = randomRounds(random, 45);
      const limits = { ...randomLimits(random), maxRounds: rounds.length };
      expect(decide(rounds, limits)).not.toBe('next-round');
    }
  });

  it('is the end exactly when the prediction fits the budget', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = { ...randomLimits(random), otherwise: 'abort' as const };
      const rounds = randomRounds(random, 45);
      const fits = predictDowntimeMs(rounds) <= limits.downtimeBudgetMs;
      expect(decide(rounds, limits) === 'stop-and-copy').toBe(fits);
    }
  });

  it('never asks for more when the budget is larger', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = randomLimits(random);
      const rounds = randomRounds(random, 45);
      if (decide(rounds, limits) === 'next-round') continue;
      const generous = { ...limits, downtimeBudgetMs: limits.downtimeBudgetMs * 10 };
      expect(decide(rounds, generous)).not.toBe('next-round');
    }
  });

  it('depends on nothing but its arguments, and leaves them alone', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = Object.freeze(randomLimits(random));
      const rounds = Object.freeze(randomRounds(random, 45).map((one) => Object.freeze(one)));
      expect(decide(rounds, limits)).toBe(decide(structuredClone(rounds), { ...limits }));
    }
  });

  it('comes to an end for every guest', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const { rounds, decision } = simulate(randomLimits(random), random.whole(1, 1000), () =>
        random.whole(0, 200_000),
      );
      expect(decision).not.toBe('next-round');
      expect(rounds.length).toBeLessThanOrEqual(40);
    }
  });
});
