// Intervals around medians. Pure: what is drawn by chance is drawn from a seed.
import { summarize } from './statistics.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** How often such an interval holds the true value, 0 … 1. */
  readonly confidence: number;
}

export const CONFIDENCE = 0.95;
/** Fewer samples a side say nothing about how far a median may be off. */
export const LEAST_SAMPLES = 4;

const RESAMPLES = 2000;
/**
 * Of resamples of four the tails are too short: an interval of 98 % of them holds the true value about as often
 * as one of 95 % of the resamples of five or more does.
 */
const SHARE_OF_FOUR = 0.98;

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function at(sorted: readonly number[], index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new RangeError(`there is no value ${index} of ${sorted.length}`);
  return value;
}

/**
 * The order-statistic interval of the median: from the k-th lowest sample to the k-th highest, with the largest k
 * whose confidence is at least 95 %. It is exact whatever the distribution. Of fewer than six samples no interval
 * reaches 95 %; then it is all of them, and `confidence` says how sure that is. Null for one sample.
 */
export function medianInterval(samples: readonly number[]): Interval | null {
  const count = samples.length;
  if (count < 2) return null;
  // How likely exactly, and at most, `k` of the samples lie below the true median.
  let exactly = 0.5 ** count;
  let atMost = exactly;
  let k = 0;
  for (;;) {
    exactly *= (count - k) / (k + 1);
    if (1 - 2 * (atMost + exactly) < CONFIDENCE) break;
    atMost += exactly;
    k += 1;
  }
  const sorted = ascending(samples);
  return {
    low: at(sorted, k),
    high: at(sorted, count - 1 - k),
    confidence: 1 - 2 * atMost,
  };
}

/** Numbers in [0, 1) that depend on the seed alone: xorshift, begun at an FNV hash of it. */
function randomFrom(seed: string): () => number {
  let word = 0x811c9dc5;
  for (const letter of seed) {
    word = Math.imul(word ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  }
  word = word >>> 0 || 1;
  return () => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return (word >>> 0) / 2 ** 32;
  };
}

/**
 * The percentile bootstrap interval of median(b) ÷ median(a): both sides are drawn anew from their own samples,
 * with replacement. All samples are above 0.
 */
export function ratioInterval(a: readonly number[], b: readonly number[], seed: string): Interval {
  const random = randomFrom(seed);
  const draw = (samples: readonly number[]) =>
    summarize(samples.map(() => at(samples, Math.floor(random() * samples.length)))).median;
  const ratios = ascending(Array.from({ length: RESAMPLES }, () => draw(b) / draw(a)));
  const fewest = Math.min(a.length, b.length);
  const outside = 1 - (fewest > LEAST_SAMPLES ? CONFIDENCE : SHARE_OF_FOUR);
  const cut = Math.floor((RESAMPLES * outside) / 2);
  return {
    low: at(ratios, cut),
    high: at(ratios, RESAMPLES - 1 - cut),
    confidence: CONFIDENCE,
  };
}
