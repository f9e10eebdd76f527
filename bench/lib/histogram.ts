// Figures in buckets, for the distributions of a result.
import type { Buckets } from '../result/schema.js';

/** A bucket is 2^(1/16), about 4 %, wider than the one before it. */
const BUCKETS_PER_OCTAVE = 16;

/** Of positive figures; buckets without any are left out. */
export function histogramOf(figures: readonly number[]): Buckets {
  const counts = new Map<number, number>();
  for (const figure of figures) {
    const bucket = Math.ceil(Math.log2(figure) * BUCKETS_PER_OCTAVE);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => [Number((2 ** (bucket / BUCKETS_PER_OCTAVE)).toPrecision(6)), count]);
}
