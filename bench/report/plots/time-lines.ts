// Each migration over time: what the source sent, what the guest dirtied, what it asked for, what it did.
import type { Migration, Result, Round, Timeline } from '../../result/schema.js';
import { axis, BAND, draw, INK, PAUSE, Plot, SOFT, STALL } from '../draw.js';
import { bytes, linkRate, milliseconds, number } from '../format.js';
import { type Html, html } from '../html.js';
import { guestSteps, type Step, smoothed, steps } from '../rates.js';
import type { LegendItem, Panel, Section } from '../section.js';
import { type Completed, completed, spreadOver, stallsDuring, typical } from '../select.js';

const PAGE_BYTES = 4096;
const MOST = 24;
/** Two cores that stand still at once are darker than one. */
const STALL_OPACITY = 0.5;
const MARGINS = { marginTop: 22, marginBottom: 6, height: 88 };
const LAST_MARGINS = { marginTop: 22, marginBottom: 34, height: 116 };

/** One that was watched. */
type Watched = Completed & { readonly timeline: Timeline };

function isWatched(migration: Completed): migration is Watched {
  return migration.timeline !== null && migration.timeline.source.length > 2;
}

interface LinePoint {
  readonly ms: number;
  readonly value: number;
}

/** One of the plots of a migration that stand below each other. */
interface Strip {
  readonly name: string;
  /** Of its axis. */
  readonly label: string;
  /** The highest value. */
  readonly top: number;
  readonly marks: Plot.Markish[];
}

/** Steps as a line that is drawn flat, up and down again. */
function flat(found: readonly Step[], perUnit: number): LinePoint[] {
  return found.flatMap(({ startMs, endMs, perSecond }) => [
    { ms: startMs, value: perSecond / perUnit },
    { ms: endMs, value: perSecond / perUnit },
  ]);
}

function highest(points: readonly Pick<LinePoint, 'value'>[]): number {
  return Math.max(...points.map(({ value }) => value), 0);
}

/** What all strips of a migration have behind their marks. */
function background(migration: Watched): Plot.Markish[] {
  const { rounds, pausedAtMs, resumedAtMs } = migration.timeline;
  const [startMs, endMs] = shownTime(migration);
  const stalls = stallsDuring(migration).map(({ atMs, ms }) => ({
    from: Math.max(atMs, startMs),
    to: Math.min(atMs + ms, endMs),
  }));
  const away = pausedAtMs === null ? [] : [{ from: pausedAtMs, to: resumedAtMs ?? endMs }];
  return [
    Plot.rect(
      rounds.filter((_, i) => i % 2 === 0),
      { x1: 'startMs', x2: 'endMs', fill: BAND },
    ),
    Plot.rect(away, { x1: 'from', x2: 'to', fill: PAUSE, fillOpacity: 0.35 }),
    // Of a few milliseconds in many seconds only the edges are seen.
    Plot.rect(stalls, {
      x1: 'from',
      x2: 'to',
      fill: STALL,
      fillOpacity: STALL_OPACITY,
      stroke: STALL,
      strokeWidth: 0.75,
    }),
    Plot.ruleX(away, { x: 'from', stroke: PAUSE, strokeWidth: 1.5 }),
    Plot.ruleX(away, { x: 'to', stroke: PAUSE, strokeWidth: 1.5 }),
  ];
}

function roundNames(rounds: readonly Round[], endMs: number): Plot.Markish {
  const wide = rounds
    .map((round, i) => ({ ...round, name: i === 0 && rounds.length < 6 ? 'round 0' : `${i}` }))
    .filter(({ startMs, endMs: until, name }) => (until - startMs) / endMs > 0.025 * name.length);
  return Plot.text(wide, {
    x: ({ startMs, endMs: until }: Round) => (startMs + until) / 2,
    text: 'name',
    frameAnchor: 'top',
    lineAnchor: 'bottom',
    dy: -3,
    fill: SOFT,
    fontSize: 10,
  });
}

function rateStrip(rounds: readonly Round[], endMs: number, sent: readonly Step[]): Strip {
  const points = flat(sent, 1e6);
  const dirty = rounds.flatMap(({ dirtyPages, startMs, endMs: until }) => {
    if (dirtyPages === null || until <= startMs) return [];
    const value = (((dirtyPages * PAGE_BYTES) / (until - startMs)) * 1000) / 1e6;
    return [{ startMs, endMs: until, value }];
  });
  return {
    name: 'send rate and dirty rate',
    label: 'MB/s',
    top: Math.max(highest(points), highest(dirty)),
    marks: [
      Plot.areaY(points, { x: 'ms', y1: 0, y2: 'value', fill: 'var(--c1)', fillOpacity: 0.12 }),
      Plot.lineY(points, { x: 'ms', y: 'value', stroke: 'var(--c1)', strokeWidth: 1.5 }),
      Plot.ruleY(dirty, {
        y: 'value',
        x1: 'startMs',
        x2: 'endMs',
        stroke: 'var(--c2)',
        strokeWidth: 2.5,
      }),
      roundNames(rounds, endMs),
    ],
  };
}

function faultStrip(faults: readonly Step[]): Strip {
  const points = flat(faults, 1000);
  return {
    name: 'demand faults',
    label: '1,000 demand faults/s',
    top: highest(points),
    marks: [
      Plot.areaY(points, { x: 'ms', y1: 0, y2: 'value', fill: 'var(--c5)', fillOpacity: 0.2 }),
      Plot.lineY(points, { x: 'ms', y: 'value', stroke: 'var(--c5)', strokeWidth: 1.5 }),
    ],
  };
}

function guestStrip(guest: readonly Step[]): Strip {
  const peak = Math.max(...guest.map(({ perSecond }) => perSecond));
  const perUnit = peak >= 1e6 ? 1e6 : 1000;
  const points = flat(guest, perUnit);
  return {
    name: 'guest throughput',
    label: `guest, ${perUnit === 1e6 ? 'million' : '1,000'} operations/s`,
    top: highest(points),
    marks: [Plot.lineY(points, { x: 'ms', y: 'value', stroke: 'var(--c3)', strokeWidth: 1.5 })],
  };
}

function strips({ report, timeline }: Watched): Strip[] {
  const endMs = report.totalMs;
  const within = <Point extends { readonly atMs: number }>(points: readonly Point[]) =>
    points.filter(({ atMs }) => atMs <= endMs);
  const shown = {
    ...timeline,
    source: within(timeline.source),
    destination: within(timeline.destination),
  };
  const calm = (found: readonly Step[]) => smoothed(found, endMs / 90);
  const faults = calm(steps(shown.destination, 'demandFaults'));
  const guest = calm(guestSteps(shown));
  const found = [rateStrip(shown.rounds, endMs, calm(steps(shown.source, 'wireBytes')))];
  if (faults.some(({ perSecond }) => perSecond > 0)) found.push(faultStrip(faults));
  if (guest.some(({ perSecond }) => perSecond > 0)) found.push(guestStrip(guest));
  return found;
}

/** From where on the guest was watched, which may be before the migration began, to its end. */
function shownTime({ report, timeline }: Watched): [fromMs: number, untilMs: number] {
  return [Math.min(0, timeline.source[0]?.atMs ?? 0), report.totalMs];
}

function drawStrip(migration: Watched, { name, label, top, marks }: Strip, isLast: boolean): Html {
  const { report, label: which } = migration;
  return draw({
    describe: `${which}: ${name} over ${milliseconds(report.totalMs)}; highest ${number(top)} ${label}`,
    ...(isLast ? LAST_MARGINS : MARGINS),
    x: isLast
      ? axis('ms since the start', { domain: shownTime(migration), ticks: 5 })
      : { axis: null, domain: shownTime(migration) },
    y: axis(label, { domain: [0, top * 1.12 || 1], ticks: 3, grid: true }),
    marks: [
      ...background(migration),
      ...marks,
      Plot.ruleY([0], { stroke: INK, strokeOpacity: 0.5 }),
    ],
  });
}

function panel(migration: Watched): Panel {
  const { label, report, parameters } = migration;
  const found = strips(migration);
  const gap = report.guest?.longestGapMs ?? 0;
  return {
    title: label,
    facts: html`${bytes(parameters.memoryBytes)}, ${linkRate(parameters.linkBytesPerSecond)}; total ${milliseconds(report.totalMs)}${report.downtimeMs === null ? '' : `, downtime ${milliseconds(report.downtimeMs)}`}${gap > 0 ? `, longest gap ${milliseconds(gap)}` : ''}`,
    plots: found.map((strip, i) => drawStrip(migration, strip, i === found.length - 1)),
  };
}

/** What the stalls are called and how they are known; nothing where there are none. */
function stallTexts(migrations: readonly Migration[]): {
  readonly legend: readonly LegendItem[];
  readonly caption: string;
} {
  const hasStalls = migrations.some((migration) => stallsDuring(migration).length > 0);
  if (!hasStalls) return { legend: [], caption: '' };
  const color = `color-mix(in srgb, ${STALL} ${STALL_OPACITY * 100}%, transparent)`;
  return {
    legend: [{ label: 'a core stood still', color, isArea: true }],
    caption:
      ' A core stood still where a thread of real-time priority, due on it every 2 ms, woke 3 ms late or more: nothing of the engine can do that, for no thread of it goes before that one.',
  };
}

export function timeLines({ migrations }: Result): Section | null {
  const drawable = typical(completed(migrations).filter(isWatched));
  if (drawable.length === 0) return null;
  const chosen = spreadOver(drawable, MOST);
  const left = drawable.length - chosen.length;
  const stalls = stallTexts(chosen);
  return {
    title: 'Time lines',
    legend: [
      { label: 'sent', color: 'var(--c1)' },
      { label: 'dirtied, mean of a round', color: 'var(--c2)' },
      { label: 'demand faults', color: 'var(--c5)' },
      { label: 'guest', color: 'var(--c3)' },
      { label: 'round, every other one', color: BAND, isArea: true },
      {
        label: 'guest paused',
        color: `color-mix(in srgb, ${PAUSE} 35%, transparent)`,
        isArea: true,
      },
      ...stalls.legend,
    ],
    panels: chosen.map(panel),
    caption: `Of each case the repetition with the median total time. Both processes read their counters every few milliseconds on one monotonic clock; neighbouring readings are joined to steps of at least 1/90 of the migration, so short dips are averaged: the plots around the switchover show every reading. Sent is what the source’s page and fault sockets took. The dirty rate is known per round: pages found dirty at its end × 4 KiB ÷ its duration.${stalls.caption}${left > 0 ? ` ${left} more cases are in the result file; ${MOST} are shown, from every scenario in turn.` : ''}`,
  };
}
