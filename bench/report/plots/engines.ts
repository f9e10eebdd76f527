// Pageferry beside QEMU: the same case, the same run.
import { summarize } from '../../lib/statistics.js';
import type { MeasuredRow, Migration, Result, Row, Spread } from '../../result/schema.js';
import { COLORS, SYMBOLS } from '../draw.js';
import { number } from '../format.js';
import type { Panel, Section } from '../section.js';
import { type Completed, completed, groupBy } from '../select.js';
import { labelledRows, type RowPoint } from './labelled-rows.js';

const OURS = { label: 'Pageferry', color: COLORS[0], symbol: SYMBOLS[0] };
const PEER = { label: 'QEMU', color: COLORS[1], symbol: SYMBOLS[1] };

type Style = typeof OURS | typeof PEER;
type EnginePoint = RowPoint & { readonly engine: string };

function engineStyle({ parameters: { engine } }: Migration): Style {
  return engine === 'qemu' ? PEER : OURS;
}

function panel(title: string, unit: string, points: readonly EnginePoint[]): Panel {
  const spoken = points.map(({ label, engine, value }) => `${label}: ${engine} ${number(value)}`);
  return {
    title,
    plots: [labelledRows({ describe: `${title}, in ${unit}. ${spoken.join('; ')}`, points, unit })],
  };
}

function point(label: string, style: Style, { median, min, max }: Spread): EnginePoint {
  return {
    label,
    engine: style.label,
    color: style.color,
    symbol: style.symbol,
    value: median,
    min,
    max,
  };
}

type RowBesideQemu = MeasuredRow & { readonly baseline: Spread };

function isBesideQemu(row: Row): row is RowBesideQemu {
  if (row.status !== 'measured' || row.baseline === null) return false;
  const { measured, baseline } = row;
  return /qemu/i.test(baseline.name) && baseline.min > 0 && measured.min > 0;
}

/** Rows whose baseline is QEMU, one panel for each unit. */
function fromRows(rows: readonly Row[]): Panel[] {
  const peers = rows.filter(isBesideQemu);
  return [...groupBy(peers, ({ unit, better }) => `${unit}, ${better} is better`)].map(
    ([title, group]) =>
      panel(
        `Rows in ${title}`,
        group[0].unit,
        group.flatMap((row) => [
          point(row.title, OURS, row.measured),
          point(row.title, PEER, row.baseline),
        ]),
      ),
  );
}

const METRICS: readonly (readonly [
  title: string,
  figureOf: (migration: Completed) => number | null | undefined,
])[] = [
  ['Total time', ({ report }) => report.totalMs],
  ['Downtime as each engine reports it', ({ report }) => report.downtimeMs],
  ['Longest gap that the guest felt', ({ report }) => report.guest?.longestGapMs],
];

/** Migrations of scenarios in which both engines took part. */
function fromMigrations(migrations: readonly Migration[]): Panel[] {
  const both = [...groupBy(completed(migrations), ({ scenario }) => scenario).values()]
    .filter((group) => new Set(group.map(({ parameters }) => parameters.engine)).size > 1)
    .flat();
  return METRICS.flatMap(([title, figureOf]) => {
    const known = both.flatMap((migration) => {
      const figure = figureOf(migration) ?? 0;
      return figure > 0 ? [{ migration, figure }] : [];
    });
    const groups = groupBy(
      known,
      ({ migration: { scenario, label, parameters } }) =>
        `${parameters.engine}\n${scenario}\n${label}`,
    );
    const points = [...groups.values()].map((repetitions) => {
      const [{ migration }] = repetitions;
      const { scenario, label } = migration;
      const figures = summarize(repetitions.map(({ figure }) => figure));
      return point(`${scenario}: ${label}`, engineStyle(migration), figures);
    });
    return points.length > 1 ? [panel(title, 'ms', points)] : [];
  });
}

export function engines({ rows, migrations }: Result): Section | null {
  const panels = [...fromRows(rows), ...fromMigrations(migrations)];
  if (panels.length === 0) return null;
  return {
    title: 'Pageferry and QEMU',
    legend: [OURS, PEER],
    panels,
    caption:
      'The same memory size, content, write pattern and link for both, one after the other in the same run. Medians, with a bar from the lowest to the highest repetition; logarithmic. The downtime that an engine reports hides what its guest feels: compare the gaps between marks. The methods say when each guest sets one.',
  };
}
