// Downtime and total time of each strategy, as the guest dirties memory faster than the link carries it.
import { summarize } from '../../lib/statistics.js';
import type { Migration, Result, Spread } from '../../result/schema.js';
import {
  axis,
  byStrategy,
  draw,
  logDomain,
  logTicks,
  Plot,
  strategyStyle,
  tickText,
} from '../draw.js';
import { bytes, linkRate, milliseconds } from '../format.js';
import type { Html } from '../html.js';
import type { Panel, Section } from '../section.js';
import { type Completed, completed, groupBy } from '../select.js';

type FigureOf = (migration: Completed) => number | null;

const METRICS: readonly (readonly [name: string, figureOf: FigureOf])[] = [
  ['total time', ({ report }) => report.totalMs],
  ['downtime', ({ report }) => report.downtimeMs],
];

/** A strategy's figures at one dirty rate. */
type Point = Spread & { readonly strategy: string; readonly dirtyRatio: number };

/** Cases that may be compared: all but strategy and dirty rate is the same. */
function caseOf({ scenario, parameters: p }: Migration) {
  const link = linkRate(p.linkBytesPerSecond);
  const set = p.workingSetBytes === null ? '' : `, ${bytes(p.workingSetBytes)} written`;
  return {
    key: `${scenario}\n${link}\n${p.workingSetBytes}\n${p.fill}\n${p.memoryBytes}\n${p.engine}`,
    title: `${link}, ${bytes(p.memoryBytes)} ${p.fill}${set}${p.engine === 'qemu' ? ', QEMU' : ''}`,
  };
}

function pointsOf(migrations: readonly Completed[], figureOf: FigureOf): Point[] {
  const groups = groupBy(migrations, ({ parameters: p }) => `${p.strategy}\n${p.dirtyRatio}`);
  return [...groups.values()].flatMap((repetitions) => {
    const values = repetitions.map((one) => figureOf(one) ?? 0).filter((value) => value > 0);
    const { strategy, dirtyRatio } = repetitions[0].parameters;
    if (values.length === 0 || dirtyRatio === null) return [];
    return [{ strategy, dirtyRatio, ...summarize(values) }];
  });
}

function plot(title: string, name: string, points: readonly Point[], isLast: boolean): Html {
  const values = points.flatMap(({ min, max }) => [min, max]);
  const strategies = [...new Set(points.map(({ strategy }) => strategy))].sort(byStrategy);
  const ratios = points.map(({ dirtyRatio }) => dirtyRatio);
  const marks = strategies.flatMap((strategy) => {
    const own = points
      .filter((point) => point.strategy === strategy)
      .sort((a, b) => a.dirtyRatio - b.dirtyRatio);
    const { color, symbol } = strategyStyle(strategy);
    return [
      Plot.line(own, { x: 'dirtyRatio', y: 'median', stroke: color, strokeWidth: 1.5 }),
      Plot.ruleX(
        own.filter(({ min, max }) => max > min),
        {
          x: 'dirtyRatio',
          y1: 'min',
          y2: 'max',
          stroke: color,
          strokeOpacity: 0.6,
          strokeWidth: 2,
        },
      ),
      Plot.dot(own, { x: 'dirtyRatio', y: 'median', fill: color, symbol, r: 3.5 }),
    ];
  });
  const spoken = points.map((p) => `${p.strategy} at ${p.dirtyRatio}: ${milliseconds(p.median)}`);
  const ticks = [...new Set(ratios)].sort((a, b) => a - b);
  return draw({
    describe: `${title}: ${name} against dirty rate ÷ link rate. ${spoken.join('; ')}`,
    height: isLast ? 180 : 155,
    marginBottom: isLast ? 34 : 12,
    x: axis(isLast ? 'dirty rate ÷ link rate' : null, {
      domain: [Math.min(...ratios) - 0.06, Math.max(...ratios) + 0.06],
      ticks,
      grid: true,
      tickFormat: isLast ? (ratio: number) => `${ratio}` : () => '',
    }),
    y: axis(`${name}, ms`, {
      type: 'log',
      domain: logDomain(values),
      ticks: logTicks(values),
      tickFormat: tickText,
      grid: true,
    }),
    marks,
  });
}

function panel(title: string, migrations: readonly Completed[]): Panel {
  const drawn = METRICS.map(([name, figureOf]) => ({
    name,
    points: pointsOf(migrations, figureOf),
  })).filter(({ points }) => points.length > 0);
  return {
    title,
    plots: drawn.map(({ name, points }, i) => plot(title, name, points, i === drawn.length - 1)),
  };
}

export function dirtyRatio({ migrations }: Result): Section | null {
  const known = completed(migrations).filter(
    ({ parameters }) => typeof parameters.dirtyRatio === 'number',
  );
  const cases = [...groupBy(known, (migration) => caseOf(migration).key).values()].filter(
    (group) => new Set(group.map(({ parameters }) => parameters.dirtyRatio)).size > 1,
  );
  if (cases.length === 0) return null;
  const strategies = [...new Set(cases.flat().map(({ parameters }) => parameters.strategy))];
  return {
    title: 'Downtime and total time against the dirty rate',
    legend: strategies.sort(byStrategy).map(strategyStyle),
    panels: cases.map((group) => panel(caseOf(group[0]).title, group)),
    caption:
      'Medians, with a bar from the lowest to the highest repetition; logarithmic in time. Above 1 the guest dirties pages faster than the link carries them, so that pre-copy cannot converge. Total time is from the start until the source holds nothing that is needed; downtime from just before the pause on the source to just after the resume on the destination.',
  };
}
