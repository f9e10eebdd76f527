// How long single faults took: all of them where buckets were kept, else the report's percentiles.
import { summarize } from '../../lib/statistics.js';
import type { Distribution, Report, Result } from '../../result/schema.js';
import { axis, colorAt, draw, logDomain, logTicks, Plot, symbolAt, tickText } from '../draw.js';
import { number } from '../format.js';
import { html } from '../html.js';
import type { Panel, Section } from '../section.js';
import { type Completed, completed, groupBy } from '../select.js';
import { labelledRows } from './labelled-rows.js';

interface Point {
  /** A bucket's upper bound. */
  readonly bound: number;
  /** Percent of the samples that took at most so long. */
  readonly share: number;
  /** Percent that took longer. */
  readonly slower: number;
}

interface Series {
  readonly label: string;
  readonly points: readonly Point[];
  readonly color: string;
}

/** The cumulative share at each bucket's upper bound, from the bound where the first one starts. */
function cumulative({ label, buckets }: Distribution['series'][number]) {
  const full = buckets.filter(([bound, count]) => count > 0 && bound > 0);
  const total = full.reduce((sum, [, count]) => sum + count, 0);
  let sum = 0;
  const points = full.map(([bound, count]) => {
    sum += count;
    return { bound, share: (sum / total) * 100, slower: ((total - sum) / total) * 100 };
  });
  return { label, total, points };
}

/** The upper bound of the bucket that holds this share. */
function percentile(points: readonly Point[], share: number): number {
  return points.find((point) => point.share >= share)?.bound ?? highest(points);
}

function highest(points: readonly Point[]): number {
  return points.at(-1)?.bound ?? 0;
}

function lines(series: readonly Series[], y: 'share' | 'slower') {
  return series.map(({ color, points }) =>
    Plot.line(
      points.filter((point) => point[y] > 0),
      { x: 'bound', y, stroke: color, strokeWidth: 1.75, curve: 'step-after' },
    ),
  );
}

function distributionPanel({ title, unit, series }: Distribution): Panel | null {
  const known = series
    .map(cumulative)
    .filter(({ points }) => points.length > 1)
    .map((one, i) => ({ ...one, color: colorAt(i) }));
  if (known.length === 0) return null;
  const bounds = known.flatMap(({ points }) => points.map(({ bound }) => bound));
  const x = axis(unit, {
    type: 'log',
    domain: logDomain(bounds),
    ticks: logTicks(bounds),
    tickFormat: tickText,
    grid: true,
  });
  const tails = known.flatMap(({ points }) =>
    points.map(({ slower }) => slower).filter((share) => share > 0),
  );
  const figures = known.map(
    ({ label, total, points }) =>
      `${label}: median ${number(percentile(points, 50))}, p99 ${number(percentile(points, 99))}, highest ${number(highest(points))} ${unit} (${total.toLocaleString('en-US')} samples)`,
  );
  const plots = [
    draw({
      describe: `${title}: share of samples at most this long. ${figures.join('; ')}`,
      height: 190,
      x,
      y: axis('% at most this long', { domain: [0, 100], grid: true }),
      marks: [...lines(known, 'share'), Plot.ruleY([0], { strokeOpacity: 0.5 })],
    }),
  ];
  if (tails.length > 1) {
    plots.push(
      draw({
        describe: `${title}: share of samples that took longer, logarithmic, to show the tail`,
        height: 190,
        x,
        y: axis('% longer', {
          type: 'log',
          domain: [Math.min(...tails) * 0.8, 120],
          ticks: logTicks([...tails, 100]),
          tickFormat: tickText,
          grid: true,
        }),
        marks: lines(known, 'slower'),
      }),
    );
  }
  return {
    title,
    facts: html`${figures.join(' · ')}`,
    legend: known.map(({ label, color }) => ({ label, color })),
    plots,
  };
}

const PERCENTILES = [
  ['p50', 'median'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
  ['max', 'highest'],
] as const;

/** One whose guest waited for pages. */
type Faulted = Completed & {
  readonly report: { readonly faultLatencyUs: NonNullable<Report['faultLatencyUs']> };
};

function isFaulted(migration: Completed): migration is Faulted {
  const { faultLatencyUs } = migration.report;
  return faultLatencyUs !== undefined && faultLatencyUs.max > 0 && faultLatencyUs.p50 > 0;
}

/** For each case the median over its repetitions of each percentile, and the highest of all. */
function percentilePanel(migrations: readonly Faulted[]): Panel {
  const cases = groupBy(migrations, ({ label }) => label);
  const points = [...cases].flatMap(([label, repetitions]) =>
    PERCENTILES.map(([key, name]) => {
      const values = repetitions.map(({ report }) => report.faultLatencyUs[key]);
      const { median, max } = summarize(values);
      return { label, name, value: key === 'max' ? max : median };
    }),
  );
  return {
    title: 'Percentiles of the reports',
    legend: PERCENTILES.map(([, name], i) => ({
      label: name,
      color: colorAt(i),
      symbol: symbolAt(i),
    })),
    plots: [
      labelledRows({
        describe: `Fault latency by case, in µs: ${[...cases.keys()]
          .map(
            (label) =>
              `${label}: ${points
                .filter((point) => point.label === label)
                .map(({ name, value }) => `${name} ${number(value)}`)
                .join(', ')}`,
          )
          .join('; ')}`,
        points: points.map((point) => {
          const i = PERCENTILES.findIndex(([, name]) => name === point.name);
          return { ...point, color: colorAt(i), symbol: symbolAt(i) };
        }),
        unit: 'µs',
      }),
    ],
  };
}

/** Scenarios that say so in their key or title; other distributions are drawn as well. */
export function faultLatency({ migrations, distributions }: Result): Section | null {
  const faulted = completed(migrations).filter(isFaulted);
  const panels = distributions.map(distributionPanel).filter((panel) => panel !== null);
  if (faulted.length > 0) panels.push(percentilePanel(faulted));
  if (panels.length === 0) return null;
  return {
    title: 'Fault latency',
    panels,
    caption:
      'Demand faults that crossed the network, from the moment the fault handler read the fault to the return of the call that installs the page and wakes the thread, unless a panel says otherwise. The kernel’s delivery of the fault to the handler is not in it. Curves count the samples of all repetitions in buckets and are exact at each bucket’s upper bound. Percentiles are medians over the repetitions, the highest is the highest of all.',
  };
}
