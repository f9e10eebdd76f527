// What size costs: total time against populated memory.
import { summarize } from '../../lib/statistics.js';
import type { Migration, Result, Spread } from '../../result/schema.js';
import { axis, draw, logDomain, logTicks, Plot, strategyStyle, tickText } from '../draw.js';
import { bytes, milliseconds } from '../format.js';
import type { Section } from '../section.js';
import { type Completed, completed, groupBy } from '../select.js';
import { byStrategy } from '../strategy-names.js';

const GIB = 2 ** 30;

/** The repetitions of one size. */
type Point = Spread & {
  readonly strategy: string;
  readonly gib: number;
  readonly memory: string;
  readonly isSparse: boolean;
};

function populatedBytes({ parameters }: Migration): number {
  return parameters.populatedBytes ?? parameters.memoryBytes;
}

function isSparse(migration: Migration): boolean {
  return migration.parameters.memoryBytes > 2 * populatedBytes(migration);
}

function pointsOf(migrations: readonly Completed[]): Point[] {
  const groups = groupBy(
    migrations,
    (m) => `${m.parameters.strategy}\n${populatedBytes(m)}\n${m.parameters.memoryBytes}`,
  );
  return [...groups.values()].map((repetitions) => ({
    strategy: repetitions[0].parameters.strategy,
    gib: populatedBytes(repetitions[0]) / GIB,
    memory: bytes(repetitions[0].parameters.memoryBytes),
    isSparse: isSparse(repetitions[0]),
    ...summarize(repetitions.map(({ report }) => report.totalMs)),
  }));
}

function marksOf(strategy: string, points: readonly Point[]) {
  const { color, symbol } = strategyStyle(strategy);
  const own = points.filter((point) => point.strategy === strategy).sort((a, b) => a.gib - b.gib);
  const sparse = own.filter((point) => point.isSparse);
  return [
    Plot.line(
      own.filter((point) => !point.isSparse),
      { x: 'gib', y: 'median', stroke: color, strokeWidth: 1.5 },
    ),
    Plot.ruleX(
      own.filter(({ min, max }) => max > min),
      { x: 'gib', y1: 'min', y2: 'max', stroke: color, strokeOpacity: 0.6, strokeWidth: 2 },
    ),
    Plot.dot(
      own.filter((point) => !point.isSparse),
      { x: 'gib', y: 'median', fill: color, symbol, r: 4 },
    ),
    Plot.dot(sparse, {
      x: 'gib',
      y: 'median',
      fill: 'var(--paper)',
      stroke: color,
      strokeWidth: 1.75,
      symbol,
      r: 5,
    }),
    Plot.text(sparse, {
      x: 'gib',
      y: 'median',
      text: ({ memory }: Point) => `${memory} sparse`,
      dx: 9,
      textAnchor: 'start',
      fill: 'var(--ink)',
    }),
  ];
}

export function scale({ suite, migrations }: Result): Section | null {
  const own = completed(migrations).filter(
    (migration) =>
      (suite === 'scale' || /scale|size/.test(migration.scenario)) && populatedBytes(migration) > 0,
  );
  const points = pointsOf(own);
  if (new Set(points.map(({ gib }) => gib)).size < 2) return null;
  const strategies = [...new Set(points.map(({ strategy }) => strategy))].sort(byStrategy);
  const [xs, ys] = [points.map(({ gib }) => gib), points.flatMap(({ min, max }) => [min, max])];
  const spoken = points.map(
    (p) =>
      `${p.strategy}, ${tickText(p.gib)} GiB populated of ${p.memory}: ${milliseconds(p.median)}`,
  );
  const plot = draw({
    describe: `Total time against populated memory. ${spoken.join('; ')}`,
    height: 240,
    x: axis('populated, GiB', {
      type: 'log',
      domain: logDomain(xs),
      ticks: logTicks(xs),
      tickFormat: tickText,
      grid: true,
    }),
    y: axis('total time, ms', {
      type: 'log',
      domain: logDomain(ys),
      ticks: logTicks(ys),
      tickFormat: tickText,
      grid: true,
    }),
    marks: strategies.flatMap((strategy) => marksOf(strategy, points)),
  });
  return {
    title: 'The cost of size',
    legend: strategies.map(strategyStyle),
    panels: [{ title: 'Total time', plots: [plot] }],
    caption:
      'Both axes logarithmic: a slope of one is a cost linear in populated memory. Medians, with a bar from the lowest to the highest repetition. A hollow mark is a region much larger than what is populated in it.',
  };
}
