// What a paper shows first: what each strategy costs the guest and the link, against one factor.
import { type Interval, medianInterval } from '../../lib/intervals.js';
import { summarize } from '../../lib/statistics.js';
import type { Result } from '../../result/schema.js';
import { axis, draw, logDomain, logTicks, PAPER, Plot, strategyStyle, tickText } from '../draw.js';
import { type Factor, type Variation, variations } from '../factors.js';
import { number, percent } from '../format.js';
import type { MarkSymbol, Panel, Section } from '../section.js';
import { type Completed, completed, groupBy } from '../select.js';
import { byStrategy } from '../strategy-names.js';

interface Metric {
  readonly title: string;
  readonly unit: 'ms' | 'MB';
  readonly of: (migration: Completed) => number | null | undefined;
  /** It may come out as nothing, or less, and then says nothing about how low the scale has to go. */
  readonly mayBeNothing?: boolean;
}

/** In the order of the panels. */
const METRICS: readonly Metric[] = [
  { title: 'Downtime', unit: 'ms', of: ({ report }) => report.downtimeMs },
  // A guest that set no two marks has a gap of 0: there is none.
  { title: 'Longest gap', unit: 'ms', of: ({ report }) => report.guest?.longestGapMs || null },
  {
    title: 'Lost time',
    unit: 'ms',
    of: ({ report }) => report.guest?.lostMs,
    mayBeNothing: true,
  },
  { title: 'Total migration time', unit: 'ms', of: ({ report }) => report.totalMs },
  {
    title: 'Sent',
    unit: 'MB',
    of: ({ report }) => (report.wireBytes === undefined ? null : report.wireBytes / 1e6),
  },
];

/** Pixels between the strategies at one value, so that none hides another. */
const APART = 7;

/** One strategy's samples at one value of the factor. */
interface Cell {
  readonly strategy: string;
  readonly x: number | string;
  readonly name: string;
  readonly samples: readonly number[];
  readonly median: number;
  readonly interval: Interval | null;
}

/** The scales that all figures of the page share. */
interface Scales {
  readonly milliseconds: readonly [low: number, high: number];
  /** From 0. */
  readonly topMegabytes: number;
}

function valuesOf({ of }: Metric, migrations: readonly Completed[]): number[] {
  return migrations.flatMap((migration) => of(migration) ?? []);
}

function scalesOf(migrations: readonly Completed[]): Scales {
  const values = (unit: Metric['unit']) =>
    METRICS.filter((metric) => metric.unit === unit).flatMap((metric) =>
      valuesOf(metric, migrations).map((value) => ({ value, metric })),
    );
  const times = values('ms').filter(({ value }) => value > 0);
  const low = Math.min(
    ...times.filter(({ metric }) => !metric.mayBeNothing).map(({ value }) => value),
  );
  const high = Math.max(...times.map(({ value }) => value));
  return {
    milliseconds: logDomain([low, high]),
    topMegabytes: Math.max(1, ...values('MB').map(({ value }) => value)) * 1.06,
  };
}

function cellsOf({ factor, migrations }: Variation, metric: Metric): Cell[] {
  const groups = groupBy(migrations, ({ parameters }) =>
    JSON.stringify([parameters.strategy, factor.of(parameters)]),
  );
  return [...groups.values()].flatMap((repetitions) => {
    const [{ parameters }] = repetitions;
    const samples = valuesOf(metric, repetitions);
    if (samples.length === 0) return [];
    return {
      strategy: parameters.strategy,
      x: factor.of(parameters),
      name: factor.text(parameters),
      samples,
      median: summarize(samples).median,
      interval: medianInterval(samples),
    };
  });
}

/** The factor's values in their order, by the text on the axis. */
function axisOf({ factor, migrations }: Variation): string[] {
  const values = groupBy(migrations, ({ parameters }) => factor.text(parameters));
  return [...values]
    .map(([name, [{ parameters }]]) => ({ name, value: factor.of(parameters) }))
    .sort((a, b) =>
      typeof a.value === 'number' && typeof b.value === 'number' ? a.value - b.value : 0,
    )
    .map(({ name }) => name);
}

/** What stands below the scale is drawn on its lower edge, hollow. */
interface Placed {
  readonly name: string;
  readonly y: number;
  readonly isBelow: boolean;
}

function marksOf(
  strategy: string,
  offset: number,
  cells: readonly Cell[],
  { isOrdered }: Factor,
  low: number,
): Plot.Markish[] {
  const { color, symbol } = strategyStyle(strategy);
  const place = (name: string, value: number): Placed => ({
    name,
    y: Math.max(low, value),
    isBelow: value < low,
  });
  const medians = cells.map(({ name, median }) => place(name, median));
  const bars = cells.flatMap(({ name, interval }) =>
    interval === null || interval.high <= low
      ? []
      : { name, y1: Math.max(low, interval.low), y2: interval.high },
  );
  const samples = cells.flatMap((cell) => cell.samples.map((value) => place(cell.name, value)));
  const dots = (points: readonly Placed[], r: number, shape: MarkSymbol, strokeWidth: number) =>
    Plot.dot(points, {
      x: 'name',
      y: 'y',
      dx: offset,
      r,
      symbol: shape,
      stroke: color,
      strokeWidth,
      fill: ({ isBelow }: Placed) => (isBelow ? PAPER : color),
    });
  return [
    isOrdered
      ? Plot.line(medians, {
          x: 'name',
          y: 'y',
          dx: offset,
          stroke: color,
          strokeWidth: 1.25,
          strokeOpacity: 0.55,
        })
      : null,
    Plot.ruleX(bars, {
      x: 'name',
      y1: 'y1',
      y2: 'y2',
      dx: offset,
      stroke: color,
      strokeWidth: 5,
      strokeOpacity: 0.3,
    }),
    dots(samples, 1.3, 'circle', 0.75),
    dots(medians, 3.4, symbol, 1.25),
  ];
}

function panel(variation: Variation, metric: Metric, scales: Scales): Panel | null {
  const { factor, common } = variation;
  const cells = cellsOf(variation, metric);
  if (cells.length === 0) return null;
  const names = axisOf(variation);
  const strategies = [...groupBy(cells, ({ strategy }) => strategy)].sort(([a], [b]) =>
    byStrategy(a, b),
  );
  const isTime = metric.unit === 'ms';
  const low = isTime ? scales.milliseconds[0] : 0;
  const spoken = cells.map(
    ({ strategy, name, median }) => `${strategy} at ${name}: ${number(median)} ${metric.unit}`,
  );
  return {
    title: metric.title,
    plots: [
      draw({
        describe: `${metric.title} against ${factor.axis}; ${common}. ${spoken.join('; ')}`,
        height: 230,
        x: axis(factor.axis, { type: 'point', domain: names, padding: 0.6 }),
        y: isTime
          ? axis('ms, logarithmic', {
              type: 'log',
              domain: [...scales.milliseconds],
              ticks: logTicks(scales.milliseconds),
              tickFormat: tickText,
              grid: true,
            })
          : axis('MB', { domain: [0, scales.topMegabytes], ticks: 5, grid: true }),
        symbol: { type: 'identity' },
        color: { type: 'identity' },
        marks: strategies.flatMap(([strategy, own], i) =>
          marksOf(
            strategy,
            (i - (strategies.length - 1) / 2) * APART,
            own.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name)),
            factor,
            low,
          ),
        ),
      }),
    ],
  };
}

/** How sure the bars are, by the number of samples that they are of. */
function intervalText(cells: readonly Cell[]): string {
  const counts = groupBy(
    cells.flatMap(({ samples, interval }) =>
      interval === null ? [] : { count: samples.length, interval },
    ),
    ({ count }) => count,
  );
  const sure = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([count, [{ interval }]]) => `${percent(interval.confidence)} of ${count} samples`);
  if (sure.length === 0) return '';
  return ` The bar is the order-statistic interval of the median, which assumes nothing about the distribution: the narrowest that holds the true median with at least 95 % confidence, or, of fewer than six samples, from the lowest to the highest. Here its confidence is ${sure.join(', ')}.`;
}

function section(variation: Variation, scales: Scales): Section | null {
  const { factor, migrations, common } = variation;
  const panels = METRICS.map((metric) => panel(variation, metric, scales)).filter(
    (one) => one !== null,
  );
  if (panels.length === 0) return null;
  const strategies = [...new Set(migrations.map(({ parameters }) => parameters.strategy))];
  const cells = METRICS.flatMap((metric) => cellsOf(variation, metric));
  const below = METRICS.some(
    (metric) =>
      metric.unit === 'ms' &&
      valuesOf(metric, migrations).some((value) => value < scales.milliseconds[0]),
  );
  return {
    title: `The strategies against the ${factor.title}`,
    legend: strategies.sort(byStrategy).map(strategyStyle),
    panels,
    caption: `${common}. A small dot is one migration, the large mark their median.${intervalText(cells)} All times of the page’s figures like this one are on one scale.${below ? ' What lies below it, lost time of 0 or less too, is hollow on its lower edge.' : ''} Downtime is from just before the pause on the source to just after the resume on the destination; the longest gap is what the guest itself measured between two of its marks; lost time is what the guest did not do because of the migration, as the time that it would have needed for it at its rate before; total migration time is from the start until the source holds nothing that is needed; sent is what the source’s sockets took.`,
  };
}

/** One for each factor that was varied while all others stayed. */
export function strategies({ migrations }: Result): Section[] {
  const found = variations(completed(migrations));
  const scales = scalesOf(found.flatMap((variation) => [...variation.migrations]));
  return found.map((variation) => section(variation, scales)).filter((one) => one !== null);
}
