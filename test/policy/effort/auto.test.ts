import { describe, expect, it } from 'vitest';
import type { EffortPlan } from '../../../src/native/effort.js';
import {
  type Effort,
  type EffortSample,
  firstEffort,
  nextEffort,
  type Surroundings,
} from '../../../src/policy/effort/auto.js';
import { LADDER, ladderWith } from '../../../src/policy/effort/ladder.js';
import {
  LEAST_QUEUE_BYTES,
  LZ4,
  MOST_QUEUE_BYTES,
  RAW,
  rungName,
  WKDM,
  zstd,
} from '../../../src/policy/effort/plan.js';
import {
  bestBlendMs,
  indexOf,
  PAGE_BYTES,
  type Profile,
  type Sending,
  simulate,
} from './simulated-sending.js';

/** Raw ÷ encoded of wkdm64, lz4, zstd 1, 3 and 9 in blocks, as images of such programs have them. */
const RATIOS: Readonly<Record<string, readonly number[]>> = {
  redis: [1.22, 1.92, 2.33, 2.49, 2.62],
  postgres: [2.47, 7.83, 13.56, 16.8, 18.94],
  python: [2.35, 2.99, 5.4, 5.37, 5.74],
  jvm: [1.3, 1.82, 2.38, 2.61, 2.74],
  sqlite: [1.05, 1.63, 2.18, 2.3, 2.48],
  machine: [1.36, 1.95, 2.32, 2.44, 2.54],
};
const MBIT = 125_000;
const LINKS = [100 * MBIT, 300 * MBIT, 1000 * MBIT, 3000 * MBIT, 10_000 * MBIT, 3_000_000_000];
const GIB_PAGES = 262_144;

/** `slower`: than the machine that the ladder was measured on. */
function profileOf(image: string, slower = 1): Profile {
  const ratios = [1, ...(RATIOS[image] ?? [])];
  return LADDER.map(({ ns }, at) => ({ ns: ns * slower, bytes: PAGE_BYTES / (ratios[at] ?? 1) }));
}

function sendings(slower: number): Sending[] {
  return LINKS.flatMap((linkRate) =>
    [1, 2, 4].flatMap((encoders) =>
      Object.keys(RATIOS).map((image, seed) => ({
        profile: profileOf(image, slower),
        linkRate,
        encoders,
        pages: GIB_PAGES,
        seed,
      })),
    ),
  );
}

const HERE: Surroundings = {
  limit: 0,
  local: false,
  encoders: 2,
  keepsVersions: true,
  ladder: LADDER,
};

function sampleOf(deliveryRate: number | null, lz4Pages = 0, bytesAPage = 1670): EffortSample {
  const lz4 = {
    pages: lz4Pages,
    bytesIn: lz4Pages * PAGE_BYTES,
    bytesOut: lz4Pages * bytesAPage,
    encodeMs: (lz4Pages * 6700) / 1e6,
  };
  return { deliveryRate, contents: { lz4 }, zstdLevels: {} };
}

/** So many looks at a link that says this, while pages as in the ladder are encoded. */
function looks(effort: Effort, rate: number | null, count: number, around = HERE): Effort {
  let last = effort;
  for (let i = 0; i < count; i += 1) {
    last = nextEffort(last, sampleOf(null, i * 64), sampleOf(rate, (i + 1) * 64), around);
  }
  return last;
}

function rungsOf({ plan }: Effort): string[] {
  return [rungName(plan.lower), rungName(plan.upper)];
}

describe('auto, with encoders and a link in virtual time', () => {
  it.each([
    ['as fast as the ladder says', 1],
    ['half as fast', 2],
  ])(
    'takes hardly longer than the best mixture of two rungs on a machine that is %s',
    (_, slower) => {
      const ratios = sendings(slower).map((sending) => simulate(sending).ms / bestBlendMs(sending));
      expect(ratios.reduce((sum, ratio) => sum + ratio) / ratios.length).toBeLessThanOrEqual(1.05);
      expect(Math.max(...ratios)).toBeLessThanOrEqual(1.15);
      // Nothing is faster than the best, but for what blocks differ.
      expect(Math.min(...ratios)).toBeGreaterThan(0.95);
    },
  );

  it('keeps to two neighbours once it has seen a second of a guest', () => {
    for (const sending of sendings(1)) {
      const { efforts } = simulate(sending);
      const steady = efforts.slice(50).map(({ plan }) => indexOf(plan.lower));
      const span = Math.max(0, ...steady) - Math.min(99, ...steady);
      expect(span, JSON.stringify(sending)).toBeLessThanOrEqual(1);
    }
  });

  it('is never slower than pages as they are, whatever the link', () => {
    for (const sending of sendings(4).filter(({ encoders }) => encoders === 1)) {
      const raw = { ...sending, profile: sending.profile.map(() => sending.profile[0] as never) };
      expect(simulate(sending).ms).toBeLessThan(bestBlendMs(raw) * 1.05);
    }
  });

  it('fills a rate limit with as few bytes as a link of that rate', () => {
    const link = { ...(sendings(1)[0] as Sending), linkRate: 3e9, limit: 1000 * MBIT, encoders: 2 };
    expect(simulate(link).ms / bestBlendMs(link)).toBeLessThan(1.05);
  });
});

describe('the rate of a link', () => {
  it.each([100 * MBIT, 3_000_000_000])(
    'is found from what it was taken for at first: %d B/s',
    (rate) => {
      const { link } = looks(firstEffort(HERE), rate, 1);
      expect(link).toEqual({ rate, measured: true });
    },
  );

  it.each([
    [10, 15],
    [0.1, 15],
  ])('follows a link that becomes %d times as fast', (factor, count) => {
    const before = looks(firstEffort(HERE), 1000 * MBIT, 5);
    const after = looks(before, 1000 * MBIT * factor, count);
    expect(after.link.rate / (1000 * MBIT * factor)).toBeCloseTo(1, 1);
  });

  it('grows while the link waits for pages, so that the rung comes down until it does not', () => {
    const before = looks(firstEffort(HERE), 300 * MBIT, 1);
    expect(rungsOf(before)).toEqual(['zstd:3', 'zstd:9']);
    expect(rungsOf(looks(before, null, 60))).toEqual(['zstd:1', 'zstd:3']);
    expect(rungsOf(looks(before, null, 1000))).toEqual(['raw', 'raw']);
  });

  it('is not what a link that had nothing to deliver says', () => {
    const before = looks(firstEffort(HERE), 100 * MBIT, 1);
    const zero = { pages: 1e6, bytesIn: 1e6 * PAGE_BYTES, bytesOut: 0, encodeMs: 0 };
    const nothing = sampleOf(null, 64);
    const after = nextEffort(
      before,
      nothing,
      { ...nothing, contents: { ...nothing.contents, zero } },
      HERE,
    );
    expect(after.link).toEqual(before.link);
  });

  it('is the limit until the link turns out to be slower', () => {
    const around = { ...HERE, limit: 1000 * MBIT };
    expect(rungsOf(firstEffort(around))).toEqual(['zstd:1', 'zstd:3']);
    expect(rungsOf(looks(firstEffort(around), 10_000 * MBIT, 30, around))).toEqual([
      'zstd:1',
      'zstd:3',
    ]);
    expect(rungsOf(looks(firstEffort(around), 300 * MBIT, 30, around))).toEqual([
      'zstd:3',
      'zstd:9',
    ]);
  });
});

describe('a plan', () => {
  const planAt = (rate: number, around: Partial<Surroundings> = {}): EffortPlan =>
    looks(firstEffort({ ...HERE, ...around }), rate, 1, { ...HERE, ...around }).plan;

  it('is the highest rung whose encoders keep the link busy, and the next', () => {
    expect(planAt(1e6)).toMatchObject({ lower: zstd(9), upper: zstd(9) });
    expect(planAt(50 * MBIT)).toMatchObject({ lower: zstd(9), upper: zstd(9) });
    expect(planAt(300 * MBIT)).toMatchObject({ lower: zstd(3), upper: zstd(9) });
    expect(planAt(1500 * MBIT)).toMatchObject({ lower: zstd(1), upper: zstd(3) });
    expect(planAt(3000 * MBIT)).toMatchObject({ lower: LZ4, upper: zstd(1) });
    expect(planAt(10_000 * MBIT)).toMatchObject({ lower: WKDM, upper: LZ4 });
    expect(planAt(3e9)).toMatchObject({ lower: RAW, upper: WKDM });
  });

  it('is a higher one with more encoders', () => {
    expect(planAt(3000 * MBIT, { encoders: 1 })).toMatchObject({ lower: WKDM });
    expect(planAt(3000 * MBIT, { encoders: 8 })).toMatchObject({ lower: zstd(3) });
  });

  it('rests on what the rungs cost on this machine', () => {
    const ladder = ladderWith([2200, 6700, 10_400, 200_300, 30_000]);
    expect(planAt(300 * MBIT, { ladder })).toMatchObject({ lower: zstd(9) });
    const slow = ladderWith(LADDER.slice(1).map(({ ns }) => 10 * ns));
    expect(planAt(1000 * MBIT, { ladder: slow })).toMatchObject({ lower: WKDM });
  });

  it('comes down where encoding takes longer than the ladder says, and up where pages shrink less', () => {
    const rungsAfter = (encodeMs: number, bytesOut: number) => {
      const lz4 = { pages: 10_000, bytesIn: 10_000 * PAGE_BYTES, bytesOut, encodeMs };
      const now = { deliveryRate: 1000 * MBIT, contents: { lz4 }, zstdLevels: {} };
      return rungsOf(nextEffort(firstEffort(HERE), sampleOf(null), now, HERE));
    };
    expect(rungsAfter(67, 16_700_000)).toEqual(['zstd:1', 'zstd:3']);
    expect(rungsAfter(6 * 67, 16_700_000)).toEqual(['wkdm64', 'lz4']);
    expect(rungsAfter(67, 2 * 16_700_000)).toEqual(['zstd:3', 'zstd:3']);
  });

  it('takes what a higher rung makes very small for less small by the lower ones, and a raw page for a page', () => {
    const lz4 = { pages: 10_000, bytesIn: 10_000 * PAGE_BYTES, bytesOut: 4e6, encodeMs: 5 * 67 };
    const now = { deliveryRate: 1000 * MBIT, contents: { lz4 }, zstdLevels: {} };
    const { sizeExponent, plan } = nextEffort(firstEffort(HERE), sampleOf(null), now, HERE);
    // 400 bytes of a page are 0.098 of it, and 1670 are 0.408.
    expect(sizeExponent).toBeCloseTo(Math.log(400 / 4096) / Math.log(1670 / 4096), 2);
    // wkdm64 leaves 1260 bytes then, for which its encoders are fast enough; of 620 they would not be.
    expect(plan).toMatchObject({ lower: WKDM, upper: LZ4 });
  });

  it('is one that does not search for long where next to nothing becomes smaller, until something does', () => {
    const slow = looks(firstEffort(HERE), 12_500_000, 20);
    const raw = (pages: number) => ({
      pages,
      bytesIn: pages * PAGE_BYTES,
      bytesOut: pages * PAGE_BYTES,
      encodeMs: pages / 1000,
    });
    const sample = (rawPages: number, lz4Pages: number): EffortSample => {
      const { deliveryRate, contents, zstdLevels } = sampleOf(12_500_000, lz4Pages);
      return { deliveryRate, contents: { ...contents, raw: raw(rawPages) }, zstdLevels };
    };
    const vain = nextEffort(slow, sample(0, 0), sample(950, 50), HERE);
    const few = nextEffort(vain, sample(950, 50), sample(950, 200), HERE);
    const shrinking = nextEffort(few, sample(950, 200), sample(1600, 350), HERE);
    expect([slow, vain, few, shrinking].map(rungsOf)).toEqual([
      ['zstd:9', 'zstd:9'],
      ['zstd:1', 'zstd:1'],
      ['zstd:1', 'zstd:1'],
      ['zstd:9', 'zstd:9'],
    ]);
  });

  it('makes pages no smaller where nothing but memory is between both sides', () => {
    const local = { ...HERE, local: true };
    const { plan } = looks(firstEffort(local), null, 100, local);
    expect(plan).toMatchObject({ lower: RAW, upper: RAW, deltas: 'none', encoders: 0 });
    // Under a limit there is something to gain.
    const limited = { ...local, limit: 300 * MBIT };
    expect(firstEffort(limited).plan).toMatchObject({ lower: zstd(3), upper: zstd(9) });
  });

  it('makes deltas where versions are kept and encoders have the time to', () => {
    expect(planAt(100 * MBIT).deltas).toBe('by-change');
    expect(planAt(3000 * MBIT)).toMatchObject({ lower: LZ4, deltas: 'by-change' });
    expect(planAt(10_000 * MBIT)).toMatchObject({ lower: WKDM, deltas: 'none' });
    expect(planAt(10_000 * MBIT, { encoders: 16 }).deltas).toBe('by-change');
    expect(planAt(3e9).deltas).toBe('none');
    expect(planAt(100 * MBIT, { keepsVersions: false }).deltas).toBe('none');
  });

  it('has queues of 20 ms of the link, half a stripe at least, and short ones while the link is not known', () => {
    expect(firstEffort(HERE).plan.queueBytes).toBe(LEAST_QUEUE_BYTES);
    expect(planAt(10 * MBIT).queueBytes).toBe(2 << 20);
    expect(planAt(1000 * MBIT).queueBytes).toBe(2_500_000);
    expect(planAt(3e9).queueBytes).toBe(MOST_QUEUE_BYTES);
    expect(firstEffort({ ...HERE, limit: 1000 * MBIT }).plan.queueBytes).toBe(2_500_000);
  });
});
