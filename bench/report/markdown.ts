// Results as Markdown tables.
import { CODECS_SUITE } from '../codecs/names.js';
import type { Result, Row } from '../result/schema.js';
import { CODECS_LEGEND, type Overview, overviewsOf, overviewText } from './codec-overview.js';
import {
  bytes,
  comparedIn,
  machine,
  repetitionsText,
  spread,
  stallsText,
  stolenText,
  targetText,
  verdict,
} from './format.js';
import { table } from './markdown-table.js';
import { type Matrix, matricesOf } from './matrix.js';

const NOTHING = '–';

interface Column {
  readonly name: string;
  readonly text: (row: Row, result: Result) => string;
  /** Whether the row has something for it. */
  readonly isNeeded: (row: Row, result: Result) => boolean;
}

const COLUMNS: readonly Column[] = [
  { name: 'Case', text: ({ title }) => title, isNeeded: () => true },
  { name: 'Measured', text: measuredText, isNeeded: () => true },
  {
    name: 'Beside it, in the same run',
    text: besideText,
    isNeeded: (row) => row.status === 'measured' && row.baseline !== null,
  },
  {
    name: 'Ratio',
    text: (row) => (row.status === 'measured' && row.ratio ? spread(row.ratio) : NOTHING),
    isNeeded: (row) => row.status === 'measured' && row.ratio !== null,
  },
  {
    name: 'Target',
    text: ({ target, unit }) => targetText(target, unit),
    isNeeded: ({ target }) => target !== null,
  },
  { name: 'Met', text: metText, isNeeded: ({ target }) => target !== null },
  {
    name: 'Verified',
    text: ({ scenario }, { compared }) => comparedIn(compared, scenario) ?? NOTHING,
    isNeeded: (_row, { compared }) => compared.length > 0,
  },
];

function measuredText(row: Row): string {
  return row.status === 'measured'
    ? spread(row.measured, row.unit)
    : `${row.status}: ${row.reason}`;
}

function besideText(row: Row): string {
  if (row.status !== 'measured' || row.baseline === null) return NOTHING;
  return `${row.baseline.name}: ${spread(row.baseline, row.unit)}`;
}

function metText(row: Row): string {
  const met = verdict(row);
  return met === 'no' ? '**no**' : met;
}

/** Columns that no row needs are left out. */
function rowTable(rows: readonly Row[], result: Result): string[] {
  const columns = COLUMNS.filter(({ isNeeded }) => rows.some((row) => isNeeded(row, result)));
  return table(
    columns.map(({ name }) => name),
    rows.map((row) => columns.map(({ text }) => text(row, result))),
  );
}

function matrixCell(row: Row | undefined): string {
  if (row === undefined) return NOTHING;
  return row.status === 'measured' ? spread(row.measured) : `${row.status}: ${row.reason}`;
}

function matrixTable({ figure, unit, columns, cases }: Matrix, { compared }: Result): string[] {
  const verified = compared.length > 0;
  return table(
    [`${figure}, ${unit}`, ...columns, ...(verified ? ['Verified'] : [])],
    cases.map(({ scenario, title, cells }) => [
      title === '' ? scenario : title,
      ...columns.map((column) => matrixCell(cells.get(column))),
      ...(verified ? [comparedIn(compared, scenario) ?? NOTHING] : []),
    ]),
  );
}

/** Mean over the images, and the worst of them. */
function overviewTable({ title, policies, links }: Overview): string[] {
  return table(
    [`${title}: mean of the images, (worst)`, ...policies],
    links.map(({ link, cells }) => [
      link,
      ...policies.map((policy) => overviewText(cells.get(policy))),
    ]),
  );
}

/** The tables, how it was measured, and on what. Ends with a line break. */
export function toMarkdown(result: Result): string {
  const { suite, environment, command, startedAt, repetitions, rows, methods } = result;
  const { node, commit, modified, othersCpuShare, congestionControl } = environment;
  const { matrices, others } = matricesOf(rows);
  const tables = [
    ...matrices.map((one) => matrixTable(one, result)),
    ...(others.length > 0 ? [rowTable(others, result)] : []),
    ...overviewsOf(result).map(overviewTable),
  ];
  const lines = [
    ...tables.flatMap((one) => [...one, '']),
    `\`${command}\`, ${startedAt.slice(0, 10)}: median [min … max] of ${repetitionsText(repetitions, rows)}, most after a run that does not count, with ${bytes(environment.warmedBytes)} of memory warmed before.`,
    `${machine(environment)}, Node.js ${node}, commit ${commit ?? 'unknown'}${modified ? ' with changes' : ''}${congestionControl ? `, default congestion control ${congestionControl}` : ''}.`,
  ];
  for (const withheld of [stolenText(result.stolen), stallsText(result.migrations)]) {
    if (withheld !== null) lines.push(`${withheld}.`);
  }
  if (!environment.quiet) {
    const percent = Math.round(othersCpuShare * 100);
    lines.push(`**Other programs used ${percent} % of the machine when this run began.**`);
  }
  if (suite === CODECS_SUITE) lines.push(CODECS_LEGEND);
  lines.push('', ...methods.map(({ name, how }) => `- \`${name}\`: ${how}`), '');
  return lines.join('\n');
}
