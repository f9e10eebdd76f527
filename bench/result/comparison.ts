// What changed between two results. Pure.
import { CONFIDENCE, type Interval, LEAST_SAMPLES, ratioInterval } from '../lib/intervals.js';
import type { Better, Environment, MeasuredRow, Result, Row, Spread } from './schema.js';

type Range = Omit<Spread, 'samples'>;

type RowHead = Pick<Row, 'scenario' | 'key' | 'title' | 'unit' | 'better'>;

interface Figures {
  readonly a: Range;
  readonly b: Range;
}

/** `ratio` is B's median ÷ A's. */
export type ComparedRow = RowHead &
  (
    | { readonly verdict: 'incomparable'; readonly reason: string }
    | (Figures & {
        readonly verdict: 'unjudged';
        readonly reason: string;
        readonly ratio: number | null;
      })
    | (Figures & {
        readonly verdict: 'better' | 'worse' | 'no-difference-shown';
        readonly ratio: number;
        readonly interval: Interval;
      })
  );

/** By what the verdicts were given, and how many of them chance would give. */
export interface Judging {
  readonly confidence: number;
  readonly smallestEffect: number;
  readonly leastSamples: number;
  /** Rows that could get a verdict. */
  readonly judged: number;
  /** Rows that are better or worse. */
  readonly verdicts: number;
  /** Where nothing differs, about so many of the judged rows get one; fewer where the smallest effect holds some back. */
  readonly expectedByChance: number;
}

export interface Comparison {
  readonly warnings: readonly string[];
  readonly judging: Judging;
  readonly rows: readonly ComparedRow[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
}

export interface Judgement {
  /** 0.05: a median that is lower or higher by less than a factor of 1.05 is no difference that counts. */
  readonly smallestEffect: number;
}

/** Fields of the environment that make figures incomparable where they differ. */
const MACHINE = [
  ['cpu', 'CPU'],
  ['cores', 'number of cores'],
  ['memoryBytes', 'memory'],
  ['kernel', 'kernel'],
] as const;

/** Better or worse only where the interval leaves out 1 and the ratio is as far from it as counts. */
function verdictOf(
  better: Better,
  ratio: number,
  { low, high }: Interval,
  { smallestEffect }: Judgement,
) {
  const isShown = low > 1 || high < 1;
  const counts = Math.max(ratio, 1 / ratio) >= 1 + smallestEffect;
  if (!isShown || !counts) return 'no-difference-shown';
  return ratio > 1 === (better === 'higher') ? 'better' : 'worse';
}

function rangeOf({ measured: { median, min, max } }: MeasuredRow): Range {
  return { median, min, max };
}

/** Why the samples of a row allow no verdict, or null. */
function obstacle(a: readonly number[], b: readonly number[]): string | null {
  if (Math.min(a.length, b.length) < LEAST_SAMPLES) {
    return `${a.length} and ${b.length} samples: a verdict needs ${LEAST_SAMPLES} a side`;
  }
  const isPositive = [...a, ...b].every((sample) => sample > 0);
  return isPositive ? null : 'a sample is 0 or less, and has no ratio';
}

function compareRows(rowA: Row, rowB: Row, judgement: Judgement): ComparedRow {
  const { scenario, key, title, unit, better } = rowB;
  const head = { scenario, key, title, unit, better };
  const incomparable = (reason: string): ComparedRow => ({
    ...head,
    verdict: 'incomparable',
    reason,
  });
  if (rowA.status !== 'measured') return incomparable(`${rowA.status} in A: ${rowA.reason}`);
  if (rowB.status !== 'measured') return incomparable(`${rowB.status} in B: ${rowB.reason}`);
  if (rowA.unit !== unit) return incomparable(`in ${rowA.unit} in A`);
  const [a, b] = [rangeOf(rowA), rangeOf(rowB)];
  const [before, after] = [rowA.measured.samples, rowB.measured.samples];
  const reason = obstacle(before, after);
  if (reason !== null) {
    const ratio = a.median > 0 && b.median > 0 ? b.median / a.median : null;
    return { ...head, verdict: 'unjudged', reason, a, b, ratio };
  }
  const ratio = b.median / a.median;
  const interval = ratioInterval(before, after, `${scenario}\n${key}`);
  const verdict = verdictOf(better, ratio, interval, judgement);
  return { ...head, verdict, a, b, ratio, interval };
}

function judgingOf(rows: readonly ComparedRow[], { smallestEffect }: Judgement): Judging {
  const judged = rows.filter((row) => 'interval' in row);
  return {
    confidence: CONFIDENCE,
    smallestEffect,
    leastSamples: LEAST_SAMPLES,
    judged: judged.length,
    verdicts: judged.filter(({ verdict }) => verdict !== 'no-difference-shown').length,
    expectedByChance: Number((judged.length * (1 - CONFIDENCE)).toFixed(6)),
  };
}

function machineWarnings(a: Environment, b: Environment): string[] {
  return MACHINE.filter(([field]) => a[field] !== b[field]).map(
    ([field, name]) => `different ${name}: ${a[field]} in A, ${b[field]} in B`,
  );
}

function otherWarnings(a: Result, b: Result): string[] {
  const warnings: string[] = [];
  for (const [side, result] of [
    ['A', a],
    ['B', b],
  ] as const) {
    const { quiet, othersCpuShare } = result.environment;
    if (!quiet) {
      warnings.push(
        `other programs used ${Math.round(othersCpuShare * 100)} % of the machine when ${side} began`,
      );
    }
    if (result.finishedAt === null) warnings.push(`${side} did not finish`);
  }
  if (a.suite !== b.suite) warnings.push(`different suites: ${a.suite} in A, ${b.suite} in B`);
  return warnings;
}

/** Rows of both results that have the same scenario and key, in B's order, and what is in one only. */
export function compareResults(a: Result, b: Result, judgement: Judgement): Comparison {
  const id = ({ scenario, key }: Row) => `${scenario}\n${key}`;
  const inA = new Map(a.rows.map((row) => [id(row), row]));
  const inB = new Set(b.rows.map(id));
  const name = ({ scenario, key }: Row) => `${scenario}: ${key}`;
  const rows = b.rows.flatMap((row) => {
    const before = inA.get(id(row));
    return before === undefined ? [] : [compareRows(before, row, judgement)];
  });
  return {
    warnings: [...machineWarnings(a.environment, b.environment), ...otherWarnings(a, b)],
    judging: judgingOf(rows, judgement),
    rows,
    onlyInA: a.rows.filter((row) => !inB.has(id(row))).map(name),
    onlyInB: b.rows.filter((row) => !inA.has(id(row))).map(name),
  };
}
