// How long single faults took: all of them where buckets were kept, else the report's percentiles.
import { axis, COLORS, draw, logDomain, logTicks, Plot, SYMBOLS, tickText } from '../draw.mjs';
import { number } from '../format.mjs';
import { html } from '../html.mjs';
import { completed, groupBy, median } from '../select.mjs';
import { labelledRows } from './labelled-rows.mjs';

/** The cumulative share at each bucket's upper bound, from the bound where the first one starts. */
function cumulative({ label, buckets }) {
  const full = buckets.filter(([bound, count]) => count > 0 && bound > 0);
  const total = full.reduce((sum, [, count]) => sum + count, 0);
  let sum = 0;
  const points = full.map(([bound, count]) => {
    sum += count;
    return { label, bound, share: (sum / total) * 100, slower: ((total - sum) / total) * 100 };
  });
  return { label, total, points };
}

/** The upper bound of the bucket that holds this share. */
function percentile(points, share) {
  return points.find((point) => point.share >= share)?.bound ?? points.at(-1)?.bound;
}

function lines(series, y, colors) {
  return series.map(({ label, points }) =>
    Plot.line(
      points.filter((point) => point[y] > 0),
      { x: 'bound', y, stroke: colors.get(label), strokeWidth: 1.75, curve: 'step-after' },
    ),
  );
}

function distributionPanel({ title, unit, series }) {
  const known = series.map(cumulative).filter(({ points }) => points.length > 1);
  if (known.length === 0) return null;
  const colors = new Map(known.map(({ label }, i) => [label, COLORS[i % COLORS.length]]));
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
      `${label}: median ${number(percentile(points, 50))}, p99 ${number(percentile(points, 99))}, highest ${number(points.at(-1).bound)} ${unit} (${total.toLocaleString('en-US')} samples)`,
  );
  const plots = [
    draw({
      describe: `${title}: share of samples at most this long. ${figures.join('; ')}`,
      height: 190,
      x,
      y: axis('% at most this long', { domain: [0, 100], grid: true }),
      marks: [...lines(known, 'share', colors), Plot.ruleY([0], { strokeOpacity: 0.5 })],
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
        marks: lines(known, 'slower', colors),
      }),
    );
  }
  return {
    title,
    facts: html`${figures.join(' · ')}`,
    legend: known.map(({ label }) => ({ label, color: colors.get(label) })),
    plots,
  };
}

const PERCENTILES = [
  ['p50', 'median'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
  ['max', 'highest'],
];

/** For each case the median over its repetitions of each percentile, and the highest of all. */
function percentilePanel(migrations) {
  const cases = groupBy(migrations, ({ label }) => label);
  const points = [...cases].flatMap(([label, repetitions]) =>
    PERCENTILES.map(([key, name]) => {
      const values = repetitions.map(({ report }) => report.faultLatencyUs[key]);
      return { label, name, value: key === 'max' ? Math.max(...values) : median(values) };
    }),
  );
  return {
    title: 'Percentiles of the reports',
    legend: PERCENTILES.map(([, name], i) => ({
      label: name,
      color: COLORS[i],
      symbol: SYMBOLS[i],
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
          return { ...point, color: COLORS[i], symbol: SYMBOLS[i] };
        }),
        unit: 'µs',
      }),
    ],
  };
}

/** Scenarios that say so in their key or title; other distributions are drawn as well. */
export function faultLatency({ migrations, distributions }) {
  const faulted = completed(migrations).filter(
    ({ report }) => report.faultLatencyUs?.max > 0 && report.faultLatencyUs.p50 > 0,
  );
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
