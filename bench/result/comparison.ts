// What changed between two results. Pure.
import type { Better, Environment, MeasuredRow, Result, Row, Spread } from './schema.js';

type Range = Omit<Spread, 'samples'>;
type Verdict = 'same' | 'better' | 'worse';

type RowHead = Pick<Row, 'scenario' | 'key' | 'title' | 'unit' | 'better'>;

export type ComparedRow = RowHead &
  (
    | { readonly verdict: 'incomparable'; readonly reason: string }
    | {
        readonly verdict: Verdict;
        readonly a: Range;
        readonly b: Range;
        readonly ratio: number | null;
        readonly overlap: boolean;
      }
  );

export interface Comparison {
  readonly warnings: readonly string[];
  readonly rows: readonly ComparedRow[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
}

/** Fields of the environment that make figures incomparable where they differ. */
const MACHINE = [
  ['cpu', 'CPU'],
  ['cores', 'number of cores'],
  ['memoryBytes', 'memory'],
  ['kernel', 'kernel'],
] as const;

function overlap(a: Range, b: Range): boolean {
  return a.min <= b.max && b.min <= a.max;
}

/** 'same' when the spread can show no difference; otherwise by what the row counts as better. */
function verdictOf(better: Better, a: Range, b: Range): Verdict {
  if (overlap(a, b)) return 'same';
  return b.median > a.median === (better === 'higher') ? 'better' : 'worse';
}

function rangeOf({ measured: { median, min, max } }: MeasuredRow): Range {
  return { median, min, max };
}

function compareRows(rowA: Row, rowB: Row): ComparedRow {
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
  const ratio = a.median === 0 ? null : b.median / a.median;
  return { ...head, a, b, ratio, overlap: overlap(a, b), verdict: verdictOf(better, a, b) };
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
export function compareResults(a: Result, b: Result): Comparison {
  const id = ({ scenario, key }: Row) => `${scenario}\n${key}`;
  const inA = new Map(a.rows.map((row) => [id(row), row]));
  const inB = new Set(b.rows.map(id));
  const name = ({ scenario, key }: Row) => `${scenario}: ${key}`;
  return {
    warnings: [...machineWarnings(a.environment, b.environment), ...otherWarnings(a, b)],
    rows: b.rows.flatMap((row) => {
      const before = inA.get(id(row));
      return before === undefined ? [] : [compareRows(before, row)];
    }),
    onlyInA: a.rows.filter((row) => !inB.has(id(row))).map(name),
    onlyInB: b.rows.filter((row) => !inA.has(id(row))).map(name),
  };
}
