// Pageferry beside QEMU: the same case, the same run.
import { COLORS, SYMBOLS } from '../draw.mjs';
import { number } from '../format.mjs';
import { completed, groupBy, summary } from '../select.mjs';
import { labelledRows } from './labelled-rows.mjs';

const OURS = { label: 'Pageferry', color: COLORS[0], symbol: SYMBOLS[0] };
const PEER = { label: 'QEMU', color: COLORS[1], symbol: SYMBOLS[1] };

function engineStyle(engine) {
  return engine === 'qemu' ? PEER : OURS;
}

function panel(title, unit, points) {
  const spoken = points.map(({ label, engine, value }) => `${label}: ${engine} ${number(value)}`);
  return {
    title,
    plots: [labelledRows({ describe: `${title}, in ${unit}. ${spoken.join('; ')}`, points, unit })],
  };
}

function point(label, style, { median, min, max }) {
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

/** Rows whose baseline is QEMU, one panel for each unit. */
function fromRows(rows) {
  const peers = rows.filter(
    ({ status, baseline, measured }) =>
      status === 'measured' &&
      /qemu/i.test(baseline?.name ?? '') &&
      baseline.min > 0 &&
      measured.min > 0,
  );
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

const METRICS = [
  ['Total time', ({ report }) => report.totalMs],
  ['Downtime as each engine reports it', ({ report }) => report.downtimeMs],
  ['Longest gap that the guest felt', ({ report }) => report.guest?.longestGapMs],
];

/** Migrations of scenarios in which both engines took part. */
function fromMigrations(migrations) {
  const both = [...groupBy(completed(migrations), ({ scenario }) => scenario).values()]
    .filter((group) => new Set(group.map(({ parameters }) => parameters.engine)).size > 1)
    .flat();
  return METRICS.flatMap(([title, figureOf]) => {
    const known = both.filter((migration) => figureOf(migration) > 0);
    const groups = groupBy(
      known,
      ({ scenario, label, parameters }) => `${parameters.engine}\n${scenario}\n${label}`,
    );
    const points = [...groups.values()].map((repetitions) => {
      const { scenario, label, parameters } = repetitions[0];
      return point(
        `${scenario}: ${label}`,
        engineStyle(parameters.engine),
        summary(repetitions.map(figureOf)),
      );
    });
    return points.length > 1 ? [panel(title, 'ms', points)] : [];
  });
}

export function engines({ rows, migrations }) {
  const panels = [...fromRows(rows), ...fromMigrations(migrations)];
  if (panels.length === 0) return null;
  return {
    title: 'Pageferry and QEMU',
    legend: [OURS, PEER],
    panels,
    caption:
      'The same memory size, content, write pattern and link for both, one after the other in the same run. Medians, with a bar from the lowest to the highest repetition; logarithmic. The downtime that an engine reports hides what its guest feels: compare the gaps between marks, which both guests set after the same number of page writes.',
  };
}
