// Rows that tell the figures of several strategies, or policies, of the same cases, as tables of cases × those: one for each
// figure.
import type { Row } from '../result/schema.js';
import { groupBy } from './select.js';
import { byStrategy, splitKey } from './strategy-names.js';

export interface MatrixCase {
  readonly scenario: string;
  /** What the rows of its columns have in common. */
  readonly title: string;
  /** By the column. */
  readonly cells: ReadonlyMap<string, Row>;
}

export interface Matrix {
  readonly figure: string;
  readonly unit: string;
  /** Strategies, or policies. */
  readonly columns: readonly string[];
  readonly cases: readonly MatrixCase[];
}

interface Cell {
  readonly row: Row;
  readonly column: string;
  readonly figure: string;
}

/** `pre-copy-total` is of a strategy, and `zstd:3/total` of a policy. */
function cellOf(row: Row): Cell[] {
  const { strategy, figure } = splitKey(row.key);
  if (strategy !== null) return [{ row, column: strategy, figure }];
  const [column, ofPolicy] = row.key.split('/');
  return column === undefined || ofPolicy === undefined ? [] : [{ row, column, figure: ofPolicy }];
}

/** `pre-copy, dirty ratio 0.5, 1gbit: downtime` is of the case `dirty ratio 0.5, 1gbit`, its figure `downtime`. */
function wordsOf({ row: { title }, column }: Cell): {
  readonly title: string;
  readonly figure: string;
} {
  const rest = title.startsWith(`${column}, `) ? title.slice(column.length + 2) : title;
  const colon = rest.lastIndexOf(': ');
  return colon < 0
    ? { title: '', figure: rest }
    : { title: rest.slice(0, colon), figure: rest.slice(colon + 2) };
}

/** Scenarios in which several did the same. */
function compares(rows: readonly Row[]): boolean {
  const cells = rows.flatMap(cellOf);
  return cells.length === rows.length && new Set(cells.map(({ column }) => column)).size > 1;
}

/** The tables, and the rows that fit into none. */
export function matricesOf(rows: readonly Row[]): {
  readonly matrices: readonly Matrix[];
  readonly others: readonly Row[];
} {
  const scenarios = [...groupBy(rows, ({ scenario }) => scenario).values()];
  const cells = scenarios.filter(compares).flat().flatMap(cellOf);
  const columns = [...new Set(cells.map(({ column }) => column))].sort(byStrategy);
  const figures = groupBy(cells, ({ figure, row }) => `${figure}\n${row.unit}`);
  const matrices = [...figures.values()].map((group) => ({
    figure: wordsOf(group[0]).figure,
    unit: group[0].row.unit,
    columns,
    cases: [...groupBy(group, ({ row }) => row.scenario)].map(([scenario, own]) => ({
      scenario,
      title: wordsOf(own[0]).title,
      cells: new Map(own.map(({ column, row }) => [column, row])),
    })),
  }));
  return { matrices, others: scenarios.filter((group) => !compares(group)).flat() };
}
