import { describe, expect, it } from 'vitest';
import { summarize } from '#bench/lib/statistics.js';
import { comparisonToMarkdown } from '#bench/report/comparison.js';
import { type Comparison, compareResults } from '#bench/result/comparison.js';
import type { Better, Result, Row } from '#bench/result/schema.js';
import { type Random, seededRandom } from '../support/random.js';

function row(key: string, samples: readonly number[], better: Better = 'lower'): Row {
  return {
    scenario: 'one',
    key,
    title: `title of ${key}`,
    unit: 'ms',
    better,
    target: null,
    met: null,
    status: 'measured',
    measured: summarize(samples),
    baseline: null,
    ratio: null,
    details: [],
  };
}

function result(rows: Row[]): Result {
  return {
    version: 2,
    suite: 'mine',
    command: 'npx pageferry bench mine',
    startedAt: '2026-11-30T10:00:00.000Z',
    finishedAt: '2026-11-30T10:01:00.000Z',
    repetitions: 5,
    compared: [],
    environment: {
      kernel: '6.18',
      qemu: null,
      cpu: 'a CPU',
      cores: 2,
      memoryBytes: 2 ** 34,
      node: 'v20.19.0',
      commit: null,
      modified: false,
      othersCpuShare: 0,
      quiet: true,
      warmedBytes: 0,
    },
    methods: [],
    rows,
    migrations: [],
    distributions: [],
    stolen: [],
  };
}

function compare(a: Row[], b: Row[], smallestEffect = 0.05): Comparison {
  return compareResults(result(a), result(b), { smallestEffect });
}

function verdictOf(a: readonly number[], b: readonly number[], better?: Better, effect?: number) {
  return compare([row('x', a, better)], [row('x', b, better)], effect).rows[0]?.verdict;
}

function around(middle: number, spread: number): number[] {
  return [-2, -1, 0, 1, 2].map((step) => middle + step * spread);
}

function skewed({ unit }: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
  return Math.exp(0.4 * normal);
}

describe('a verdict', () => {
  it('says better or worse by what the row counts as better', () => {
    const [a, b] = [around(100, 1), around(150, 1)];
    expect(verdictOf(a, b, 'lower')).toBe('worse');
    expect(verdictOf(a, b, 'higher')).toBe('better');
    expect(verdictOf(b, a, 'lower')).toBe('better');
    expect(verdictOf(b, a, 'higher')).toBe('worse');
  });

  it('is not given where the samples are further apart than the medians', () => {
    expect(verdictOf(around(100, 20), around(115, 20))).toBe('no-difference-shown');
  });

  it('is not given to a difference below the smallest that counts, whichever way it goes', () => {
    const [a, b] = [around(100, 0.1), around(104, 0.1)];
    expect(verdictOf(a, b)).toBe('no-difference-shown');
    expect(verdictOf(b, a)).toBe('no-difference-shown');
    expect(verdictOf(a, b, 'lower', 0.03)).toBe('worse');
    expect(verdictOf(b, a, 'lower', 0.03)).toBe('better');
  });

  it('needs four samples on each side, and says so', () => {
    const three = [1, 1.01, 1.02];
    const { rows, judging } = compare([row('x', around(100, 1))], [row('x', three)]);
    expect(rows).toMatchObject([
      { verdict: 'unjudged', reason: '5 and 3 samples: a verdict needs 4 a side' },
    ]);
    expect(judging).toMatchObject({ judged: 0, verdicts: 0, expectedByChance: 0 });
    expect(verdictOf([...three, 1.03], around(100, 1))).toBe('worse');
  });

  it('is not given where a sample has no ratio', () => {
    const { rows } = compare([row('x', [-1, 0, 1, 2])], [row('x', around(100, 1))]);
    expect(rows).toMatchObject([
      { verdict: 'unjudged', reason: expect.stringContaining('no ratio') },
    ]);
  });

  it('does not depend on the other rows', () => {
    const [a, b] = [row('x', around(100, 4)), row('x', around(108, 4))];
    const alone = compare([a], [b]).rows[0];
    const other = row('y', around(3, 0.1));
    expect(compare([other, a], [other, b]).rows[1]).toEqual(alone);
  });

  it.each([4, 5, 8])(
    'is given by chance alone about as often as is said, with %i samples a side',
    (count) => {
      const random = seededRandom(20_261_130 + count);
      const draw = () => Array.from({ length: count }, () => skewed(random));
      const rows = () => Array.from({ length: 1000 }, (_, i) => row(`row-${i}`, draw()));
      const { judging } = compare(rows(), rows(), 0);
      expect(judging).toMatchObject({ judged: 1000, expectedByChance: 50 });
      expect(judging.verdicts).toBeGreaterThan(15);
      expect(judging.verdicts).toBeLessThanOrEqual(65);
    },
  );
});

describe('the table of a comparison', () => {
  it('has the ratio with its interval, the verdict, and what chance alone would give', () => {
    const a = [row('slow', around(100, 1)), row('same', around(10, 3)), row('few', [1, 2])];
    const b = [row('slow', around(200, 1)), row('same', around(10, 3)), row('few', [1, 2])];
    const text = comparisonToMarkdown(compare(a, b));
    expect(text).toMatch(
      /\| title of slow \| 100 ms \[98\.0 … 102\] \|.*\| 2\.00 \[1\.\d\d … 2\.0\d\] \| \*\*worse\*\* \|/,
    );
    expect(text).toMatch(/\| title of same \|.*\| no difference shown \|/);
    expect(text).toMatch(/\| title of few \|.*\| 2 and 2 samples: a verdict needs 4 a side \|/);
    expect(text).toContain('95 % interval');
    expect(text).toContain('2 rows were judged and 1 got a verdict');
    expect(text).toContain('chance alone would give about 0.100');
  });
});
