import { describe, expect, it } from 'vitest';
import type { ContentName } from '../../../src/native/contents.js';
import type { EffortPlan } from '../../../src/native/effort.js';
import { firstEffort, nextEffort } from '../../../src/policy/effort/auto.js';
import {
  contentsOf,
  defaultCacheBytes,
  fixedPlan,
} from '../../../src/policy/effort/compression.js';
import { LADDER } from '../../../src/policy/effort/ladder.js';
import { COMPRESSIONS, type Compression } from '../../../src/vocabulary.js';

const EVERY: readonly Compression[] = [...COMPRESSIONS, 'zstd:1', 'zstd:3', 'zstd:19'];
const GIB = 2 ** 30;

/** Beside raw and zero: what an encoder may make of a page that repeats a word, of any other, and of one with a base. */
function contentsOfPlan({ lower, upper, deltas }: EffortPlan): Set<ContentName> {
  const contents = new Set<ContentName>();
  const copies = lower.method !== 'raw' || upper.method !== 'raw' || deltas !== 'none';
  if (copies) contents.add('fill');
  for (const rung of [lower, upper]) {
    if (rung.method === 'blocks') contents.add(rung.encoding);
    if (rung.method === 'mecom')
      for (const one of ['sparse', 'wkdm32', 'lz4'] as const) contents.add(one);
  }
  if (deltas === 'zstd' || deltas === 'lz4') contents.add(`${deltas}-delta`);
  if (deltas === 'by-change') contents.add('zstd-delta');
  if (deltas === 'xbzrle' || deltas === 'by-change') contents.add('xbzrle');
  return contents;
}

/** Every plan that the compression may lead to. */
function plansOf(compression: Compression): EffortPlan[] {
  if (compression !== 'auto') {
    return [true, false].map((keeps) => fixedPlan(compression, 2, keeps));
  }
  const around = { limit: 0, local: false, encoders: 2, keepsVersions: true, ladder: LADDER };
  const raw = (pages: number) => ({ pages, bytesIn: pages, bytesOut: pages, encodeMs: 0 });
  const rates = Array.from({ length: 80 }, (_, i) => 1e6 * 1.15 ** i);
  return rates.map((deliveryRate) => {
    const before = { deliveryRate, contents: { raw: raw(1) }, zstdLevels: {} };
    const now = { ...before, contents: { raw: raw(2) } };
    return nextEffort(firstEffort(around), before, now, around).plan;
  });
}

describe('the contents that are offered for a compression', () => {
  it.each(EVERY)('are all that its plans can put on the wire, and no others: %s', (compression) => {
    const used = new Set(plansOf(compression).flatMap((plan) => [...contentsOfPlan(plan)]));
    expect([...used].sort()).toEqual([...contentsOf(compression)].sort());
  });
});

describe('the plan of a compression that is fixed', () => {
  it.each(EVERY.filter((one) => one !== 'auto'))(
    'does not depend on the queue: %s',
    (compression) => {
      const plan = fixedPlan(compression, 5, true);
      expect(plan.upper).toEqual(plan.lower);
      expect(plan.encoders).toBe(5);
    },
  );

  it('has the level that was asked for, and long blocks from level 3 on', () => {
    expect(fixedPlan('zstd', 1, false).lower).toMatchObject({ level: 1, blockPages: 16 });
    expect(fixedPlan('zstd:2', 1, false).lower).toMatchObject({ level: 2, blockPages: 16 });
    expect(fixedPlan('zstd:3', 1, false).lower).toMatchObject({ level: 3, blockPages: 64 });
    expect(fixedPlan('zstd:19', 1, false).lower).toMatchObject({ level: 19, blockPages: 64 });
  });

  it('makes no deltas where no versions are kept', () => {
    for (const compression of EVERY) {
      if (compression !== 'auto') expect(fixedPlan(compression, 1, false).deltas).toBe('none');
    }
  });
});

describe('the cache', () => {
  it('is as large as a guest may need, and no more than half of what is free', () => {
    expect(defaultCacheBytes('auto', GIB, 100 * GIB)).toBe(1.5 * GIB);
    expect(defaultCacheBytes('xbzrle', GIB, GIB)).toBe(GIB / 2);
    expect(defaultCacheBytes('auto', GIB, 1)).toBe(0);
  });

  it('is there by default only for what lives on deltas', () => {
    for (const compression of ['raw', 'lz4', 'zstd', 'zstd:3', 'wkdm', 'mecom'] as const) {
      expect(defaultCacheBytes(compression, GIB, 100 * GIB)).toBe(0);
    }
  });
});
