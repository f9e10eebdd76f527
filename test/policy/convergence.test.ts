import { describe, expect, it } from 'vitest';
import {
  type ConvergenceLimits,
  type Decision,
  decide,
  predictDowntimeMs,
  type RoundOutcome,
} from '../../src/policy/convergence.js';
import { type Random, seededRandom } from '../support/random.js';
import { NO_DELTAS, SimulatedGuest } from './simulated-guest.js';

const LIMITS: ConvergenceLimits = {
  downtimeBudgetMs: 50,
  maxRounds: 30,
  memoryPages: 100_000,
  otherwise: 'abort',
  bandwidthBytesPerSecond: 0,
};
/** What a raw page may take on the wire at most. */
const PAGE_BYTES = 4128;

/** A round of raw pages. */
function round(pages: number, ms: number, dirtyPages: number): RoundOutcome {
  const wireBytes = pages * PAGE_BYTES;
  return {
    pages,
    pagesRaw: pages,
    pagesZero: 0,
    pagesEncoded: 0,
    ...NO_DELTAS,
    wireBytes,
    ms,
    dirtyPages,
  };
}

function predict(rounds: readonly RoundOutcome[], bandwidthBytesPerSecond = 0): number {
  return predictDowntimeMs(rounds, bandwidthBytesPerSecond);
}

function decisionOf(rounds: readonly RoundOutcome[], limits: ConvergenceLimits): Decision {
  return decide(rounds, limits).decision;
}

function randomLimits(random: Random): ConvergenceLimits {
  return {
    downtimeBudgetMs: random.pick([0, 1, 50, 1000]),
    maxRounds: random.whole(1, 40),
    memoryPages: random.pick([1, 100, 100_000]),
    otherwise: random.pick(['stop-and-copy', 'post-copy', 'abort'] as const),
    bandwidthBytesPerSecond: random.pick([0, 1_000_000, 125_000_000]),
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
  let decision = decisionOf(rounds, limits);
  while (decision === 'next-round' && rounds.length < 1000) {
    const ms = toSend / pagesPerMs;
    const dirty = Math.min(limits.memoryPages, Math.floor(dirtyAfter(ms)));
    rounds.push(round(toSend, ms, dirty));
    toSend = dirty;
    decision = decisionOf(rounds, limits);
  }
  return { rounds, decision };
}

describe('the predicted downtime', () => {
  it('is endless before anything was measured', () => {
    expect(predict([])).toBe(Number.POSITIVE_INFINITY);
  });

  it('is nothing when nothing is dirty', () => {
    expect(predict([round(1000, 10, 0)])).toBe(0);
  });

  it('is what the dirty pages take at the last rate', () => {
    expect(predict([round(10_000, 100, 10_000), round(10_000, 200, 500)])).toBeCloseTo(10);
  });

  it('does not believe a rate that was measured on a handful of pages', () => {
    expect(predict([round(10_000, 100, 20), round(20, 100, 500)])).toBeCloseTo(5);
  });

  it('takes what there is when every round was small', () => {
    expect(predict([round(100, 10, 50), round(50, 50, 10)])).toBeCloseTo(1);
  });

  it('is endless, not nothing, when every page was too hot to be sent', () => {
    expect(predict([round(0, 1, 10)])).toBe(Number.POSITIVE_INFINITY);
    expect(predict([round(0, 1, 10), round(100, 10, 20)])).toBeCloseTo(2);
  });

  it('takes no zero page for one that tells how fast the link is', () => {
    // A million zero pages in 200 ms, and 1 MB on the wire, say nothing of 64 Ki pages with content.
    const zeros = { ...round(1_000_000, 200, 65_536), pagesRaw: 0, pagesZero: 1_000_000 };
    expect(predict([zeros])).toBe(Number.POSITIVE_INFINITY);
    const few = { ...zeros, pagesRaw: 1000, pagesZero: 999_000, wireBytes: 1000 * PAGE_BYTES };
    expect(predict([few])).toBeCloseTo(65.536 * 200);
  });

  it('takes every dirty page for the largest that was seen: a raw one where there was one', () => {
    const encoded = { ...round(1000, 100, 500), pagesRaw: 0, pagesEncoded: 1000, wireBytes: 1e6 };
    expect(predict([encoded])).toBeCloseTo((500 * (1000 + 16)) / 1e4);
    const mixed = { ...encoded, pagesRaw: 10, pagesEncoded: 990 };
    expect(predict([mixed])).toBeCloseTo((500 * PAGE_BYTES) / 1e4);
  });

  it('takes as many dirty pages for deltas as the last round had, and the others for the largest', () => {
    const first = { ...round(1000, 100, 900), pagesRaw: 10, pagesEncoded: 990, wireBytes: 1e6 };
    const deltas = {
      ...first,
      pagesRaw: 0,
      pagesEncoded: 1000,
      pagesDelta: 750,
      bytesDelta: 75_000,
    };
    const second = { ...deltas, dirtyPages: 500, wireBytes: 1e5 };
    const bytes = 0.75 * 100 + 0.25 * PAGE_BYTES + 16;
    expect(predict([first, second])).toBeCloseTo((500 * bytes) / 1000);
    const all = { ...second, pagesDelta: 1000, bytesDelta: 1e5 };
    expect(predict([first, all])).toBeCloseTo((500 * (100 + 16)) / 1000);
  });

  it('counts on the rate limit when a round was faster than that', () => {
    const burst = round(1000, 10, 500);
    expect(predict([burst])).toBeCloseTo(5);
    expect(predict([burst], 1e6)).toBeCloseTo((500 * PAGE_BYTES) / 1000);
    expect(predict([burst], 1e12)).toBeCloseTo(5);
  });

  it('grows in step with the dirty pages', () => {
    for (const seed of seeds) {
      const rounds = randomRounds(seededRandom(seed), 5);
      const last = rounds.at(-1) as RoundOutcome;
      const twice = [...rounds.slice(0, -1), { ...last, dirtyPages: last.dirtyPages * 2 }];
      if (predict(rounds) !== Number.POSITIVE_INFINITY) {
        expect(predict(twice)).toBeCloseTo(predict(rounds) * 2);
      }
      expect(predict(rounds)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('pre-copy', () => {
  it('begins with a round', () => {
    expect(decisionOf([], LIMITS)).toBe('next-round');
  });

  it('ends as soon as the rest fits the downtime budget, exactly too', () => {
    expect(decisionOf([round(10_000, 100, 5001)], LIMITS)).toBe('next-round');
    expect(decisionOf([round(10_000, 100, 5000)], LIMITS)).toBe('stop-and-copy');
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

describe('pre-copy of a guest whose writes change few bytes of a page', () => {
  const WRITTEN = 20_000;
  const DELTA_BYTES = 100;
  const BYTES_PER_MS = 1e5;

  /** Round 0 sends everything, and each later one what was written, as deltas or as it is. */
  function migrate(withDeltas: boolean) {
    const rounds: RoundOutcome[] = [];
    let decided = decide(rounds, LIMITS);
    while (decided.decision === 'next-round') {
      const asDeltas = withDeltas && rounds.length > 0;
      const pages = rounds.length === 0 ? LIMITS.memoryPages : WRITTEN;
      const wireBytes = pages * (asDeltas ? DELTA_BYTES : PAGE_BYTES);
      rounds.push({
        pages,
        pagesZero: 0,
        pagesRaw: asDeltas ? 0 : pages,
        pagesEncoded: asDeltas ? pages : 0,
        pagesDelta: asDeltas ? pages : 0,
        bytesDelta: asDeltas ? wireBytes : 0,
        wireBytes,
        ms: wireBytes / BYTES_PER_MS,
        dirtyPages: WRITTEN,
      });
      decided = decide(rounds, LIMITS);
    }
    return { rounds, ...decided };
  }

  it('ends within the budget because the rest is sent as deltas, too', () => {
    const { rounds, decision, predictedDowntimeMs } = migrate(true);
    expect(decision).toBe('stop-and-copy');
    // The first round says nothing of deltas.
    expect(rounds).toHaveLength(2);
    const finalMs = (WRITTEN * DELTA_BYTES) / BYTES_PER_MS;
    expect(predictedDowntimeMs).toBeGreaterThanOrEqual(finalMs);
    expect(predictedDowntimeMs).toBeLessThan(finalMs * 1.5);
  });

  it('does not without deltas', () => {
    expect(migrate(false).decision).toBe('abort');
  });
});

describe('pre-copy says why it ended', () => {
  const reasonAfter = (rounds: readonly RoundOutcome[], limits: Partial<ConvergenceLimits> = {}) =>
    decide(rounds, { ...LIMITS, ...limits });

  it('and what it expected, against which budget', () => {
    expect(reasonAfter([round(10_000, 100, 1000)])).toEqual({
      decision: 'stop-and-copy',
      stoppedBecause: 'within-budget',
      predictedDowntimeMs: expect.closeTo(10),
      downtimeBudgetMs: 50,
    });
    const stuck = Array.from({ length: 4 }, () => round(10_000, 100, 9000));
    expect(reasonAfter(stuck)).toMatchObject({ decision: 'abort', stoppedBecause: 'no-progress' });
    expect(reasonAfter(stuck, { maxRounds: 4 })).toMatchObject({ stoppedBecause: 'max-rounds' });
    expect(reasonAfter(stuck, { memoryPages: 13_000 })).toMatchObject({
      decision: 'abort',
      stoppedBecause: 'memory-sent',
    });
    expect(reasonAfter(stuck.slice(1))).not.toHaveProperty('stoppedBecause');
  });
});

describe('a guest of zero, random and compressible pages, on a link that is known', () => {
  /** Migrates it by what decide says; answers the last decision and what the final round then takes. */
  function migrate(seed: number) {
    const random = seededRandom(seed);
    const zero = random.pick([0, 0.5, 0.9, 0.999]);
    const compressible = (1 - zero) * random.pick([0, 0.5, 1]);
    const limitBytesPerSecond = random.pick([0, 0, 1e6, 1e8]);
    const guest = new SimulatedGuest(
      random,
      { bytesPerMs: random.pick([1e4, 1e5, 5e6]), scanPagesPerMs: 5000, limitBytesPerSecond },
      random.whole(100, 4000),
      { zero, compressible },
      random.pick([2000, 20_000]),
    );
    const limits = {
      ...LIMITS,
      downtimeBudgetMs: random.pick([1, 50, 300]),
      memoryPages: guest.pageCount,
      bandwidthBytesPerSecond: limitBytesPerSecond,
    };
    const rounds: RoundOutcome[] = [];
    let end = decide(rounds, limits);
    while (end.decision === 'next-round') {
      const most = Math.max(1, guest.pageCount >> random.whole(0, 9));
      rounds.push(guest.round(random.whole(0, most)));
      end = decide(rounds, limits);
    }
    return { end, rounds, finalRoundMs: guest.finalRoundMs() };
  }

  it('never stands still for longer than was predicted, nor than the budget when it is said to fit', () => {
    let within = 0;
    for (const seed of Array.from({ length: 400 }, (_, seed) => seed + 1)) {
      const { end, finalRoundMs } = migrate(seed);
      expect(end.predictedDowntimeMs, `seed ${seed}`).toBeGreaterThanOrEqual(finalRoundMs * 0.999);
      if (end.decision !== 'stop-and-copy') continue;
      within += 1;
      expect(finalRoundMs, `seed ${seed}`).toBeLessThanOrEqual(end.downtimeBudgetMs * 1.001);
    }
    // Or nothing was tried.
    expect(within).toBeGreaterThan(100);
  });
});

describe('a decision, whatever the rounds were like', () => {
  it('is another round, the end, or what was told', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = randomLimits(random);
      const decision = decisionOf(randomRounds(random, 45), limits);
      expect(['next-round', 'stop-and-copy', limits.otherwise]).toContain(decision);
    }
  });

  it('is no other round after the last', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const rounds = randomRounds(random, 45);
      const limits = { ...randomLimits(random), maxRounds: rounds.length };
      expect(decisionOf(rounds, limits)).not.toBe('next-round');
    }
  });

  it('is the end exactly when the prediction fits the budget', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = { ...randomLimits(random), otherwise: 'abort' as const };
      const rounds = randomRounds(random, 45);
      const fits = predict(rounds, limits.bandwidthBytesPerSecond) <= limits.downtimeBudgetMs;
      expect(decisionOf(rounds, limits) === 'stop-and-copy').toBe(fits);
    }
  });

  it('never asks for more when the budget is larger', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = randomLimits(random);
      const rounds = randomRounds(random, 45);
      if (decisionOf(rounds, limits) === 'next-round') continue;
      const generous = { ...limits, downtimeBudgetMs: limits.downtimeBudgetMs * 10 };
      expect(decisionOf(rounds, generous)).not.toBe('next-round');
    }
  });

  it('depends on nothing but its arguments, and leaves them alone', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const limits = Object.freeze(randomLimits(random));
      const rounds = Object.freeze(randomRounds(random, 45).map((one) => Object.freeze(one)));
      expect(decide(rounds, limits)).toEqual(decide(structuredClone(rounds), { ...limits }));
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
