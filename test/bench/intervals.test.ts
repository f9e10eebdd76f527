import { describe, expect, it } from 'vitest';
import { medianInterval, ratioInterval } from '#bench/lib/intervals.js';
import { summarize } from '#bench/lib/statistics.js';
import { type Random, seededRandom } from '../support/random.js';

/** Lognormal around 100: most figures of a migration are skewed like this. */
function skewed({ unit }: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
  return 100 * Math.exp(0.3 * normal);
}

function samples(random: Random, count: number, factor = 1): number[] {
  return Array.from({ length: count }, () => factor * skewed(random));
}

describe('the order-statistic interval of a median', () => {
  it.each([
    // What the tables of the binomial distribution with ½ say.
    [2, 0, 0.5],
    [5, 0, 0.9375],
    [6, 0, 0.96875],
    [8, 0, 0.9921875],
    [9, 1, 0.9609375],
    [20, 5, 0.9586105],
    [30, 9, 0.9572262],
  ])('of %i samples leaves out %i on each side', (count, left, confidence) => {
    const values = Array.from({ length: count }, (_, i) => (i * 7919) % count);
    const interval = medianInterval(values);
    expect(interval).toMatchObject({ low: left, high: count - 1 - left });
    expect(interval?.confidence).toBeCloseTo(confidence, 6);
  });

  it('of one sample is none', () => {
    expect(medianInterval([3])).toBeNull();
  });

  it('holds the true median as often as it says', () => {
    const random = seededRandom(20_261_130);
    for (const count of [5, 9, 20]) {
      const found = Array.from({ length: 2000 }, () => medianInterval(samples(random, count)));
      const held = found.filter((one) => one !== null && one.low <= 100 && one.high >= 100);
      expect(held.length / found.length).toBeCloseTo(found[0]?.confidence ?? 0, 1.5);
    }
  });
});

describe('the interval of the ratio of two medians', () => {
  it('is the same for the same samples and seed, and holds the ratio of the medians', () => {
    const random = seededRandom(7);
    const [a, b] = [samples(random, 5), samples(random, 5, 3)];
    const interval = ratioInterval(a, b, 'row');
    expect(ratioInterval(a, b, 'row')).toEqual(interval);
    const ratio = summarize(b).median / summarize(a).median;
    expect(interval.low).toBeLessThanOrEqual(ratio);
    expect(interval.high).toBeGreaterThanOrEqual(ratio);
  });

  it('is turned round when the sides are', () => {
    const random = seededRandom(8);
    const [a, b] = [samples(random, 8), samples(random, 8, 2)];
    const [there, back] = [ratioInterval(a, b, 'row'), ratioInterval(b, a, 'row')];
    expect(Math.abs(1 / back.high / there.low - 1)).toBeLessThan(0.05);
    expect(Math.abs(1 / back.low / there.high - 1)).toBeLessThan(0.05);
  });
});
