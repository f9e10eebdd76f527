// Rows that tell the strategies' figures of the same cases, as tables of cases × strategies: one for each figure.
import type { Row } from '../result/schema.js';
import { groupBy } from './select.js';
import { byStrategy, splitKey } from './strategy-names.js';

export interface MatrixCase {
  readonly scenario: string;
  /** What the strategies' rows have in common. */
  readonly title: string;
  /** By the strategy. */
  readonly cells: ReadonlyMap<string, Row>;
}

export interface Matrix {
  readonly figure: string;
  readonly unit: string;
  readonly strategies: readonly string[];
  readonly cases: readonly MatrixCase[];
}

interface Cell {
  readonly row: Row;
  readonly strategy: string;
  readonly figure: string;
}

function cellOf(row: Row): Cell[] {
  const { strategy, figure } = splitKey(row.key);
  return strategy === null ? [] : [{ row, strategy, figure }];
}

/** `pre-copy, dirty ratio 0.5, 1gbit: downtime` is of the case `dirty ratio 0.5, 1gbit`, its figure `downtime`. */
function wordsOf({ row: { title }, strategy }: Cell): {
  readonly title: string;
  readonly figure: string;
} {
  const rest = title.startsWith(`${strategy}, `) ? title.slice(strategy.length + 2) : title;
  const colon = rest.lastIndexOf(': ');
  return colon < 0
    ? { title: '', figure: rest }
    : { title: rest.slice(0, colon), figure: rest.slice(colon + 2) };
}

/** Scenarios in which several strategies did the same. */
function compares(rows: readonly Row[]): boolean {
  const cells = rows.flatMap(cellOf);
  return cells.length === rows.length && new Set(cells.map(({ strategy }) => strategy)).size > 1;
}

/** The tables, and the rows that fit into none. */
export function matricesOf(rows: readonly Row[]): {
  readonly matrices: readonly Matrix[];
  readonly others: readonly Row[];
} {
  const scenarios = [...groupBy(rows, ({ scenario }) => scenario).values()];
  const cells = scenarios.filter(compares).flat().flatMap(cellOf);
  const strategies = [...new Set(cells.map(({ strategy }) => strategy))].sort(byStrategy);
  const figures = groupBy(cells, ({ figure, row }) => `${figure}\n${row.unit}`);
  const matrices = [...figures.values()].map((group) => ({
    figure: wordsOf(group[0]).figure,
    unit: group[0].row.unit,
    strategies,
    cases: [...groupBy(group, ({ row }) => row.scenario)].map(([scenario, own]) => ({
      scenario,
      title: wordsOf(own[0]).title,
      cells: new Map(own.map(({ strategy, row }) => [strategy, row])),
    })),
  }));
  return { matrices, others: scenarios.filter((group) => !compares(group)).flat() };
}
