// What the guest got done in the moments before and after it moved.
import type { Result, Timeline } from '../../result/schema.js';
import { axis, draw, INK, PAUSE, Plot } from '../draw.js';
import { milliseconds, number } from '../format.js';
import { html } from '../html.js';
import { guestSteps, type Step } from '../rates.js';
import type { Panel, Section } from '../section.js';
import { type Completed, completed, spreadOver, typical } from '../select.js';

const MOST = 24;
const LEAST_WINDOW_MS = 60;

/** One whose switchover was watched. */
type SwitchedOver = Completed & {
  readonly timeline: Timeline & { readonly pausedAtMs: number; readonly resumedAtMs: number };
};

function isSwitchedOver(migration: Completed): migration is SwitchedOver {
  const { timeline } = migration;
  return timeline !== null && timeline.pausedAtMs !== null && timeline.resumedAtMs !== null;
}

/** Steps within the window, cut at its edges, in ms from the pause. */
function around(found: readonly Step[], fromMs: number, untilMs: number, pausedAtMs: number) {
  return found
    .filter(({ startMs, endMs }) => endMs > fromMs && startMs < untilMs)
    .flatMap(({ startMs, endMs, perSecond }) => [
      { ms: Math.max(startMs, fromMs) - pausedAtMs, value: perSecond / 1000 },
      { ms: Math.min(endMs, untilMs) - pausedAtMs, value: perSecond / 1000 },
    ]);
}

function panel({ label, report, timeline }: SwitchedOver): Panel | null {
  const { pausedAtMs, resumedAtMs } = timeline;
  const awayMs = resumedAtMs - pausedAtMs;
  const windowMs = Math.max(LEAST_WINDOW_MS, awayMs * 0.8);
  const [fromMs, untilMs] = [pausedAtMs - windowMs, resumedAtMs + windowMs];
  const points = around(guestSteps(timeline), fromMs, untilMs, pausedAtMs);
  const top = Math.max(0, ...points.map(({ value }) => value));
  // A guest that did nothing, before or after, has nothing to show.
  if (top === 0) return null;
  const [first, last] = [points[0]?.ms ?? 0, points.at(-1)?.ms ?? 0];
  const domain = [first, Math.max(awayMs + LEAST_WINDOW_MS / 10, last)];
  const gap = report.guest?.longestGapMs ?? 0;
  return {
    title: label,
    facts: html`downtime ${milliseconds(awayMs)}${gap > 0 ? `, longest gap the guest felt ${milliseconds(gap)}` : ''}`,
    plots: [
      draw({
        describe: `${label}: guest throughput around the switchover; the guest is paused for ${milliseconds(awayMs)}; highest ${number(top)} thousand operations per second`,
        height: 150,
        x: axis('ms from the pause', { domain, ticks: 5 }),
        y: axis('1,000 operations/s', { domain: [0, top * 1.1 || 1], grid: true }),
        marks: [
          Plot.rect([0], { x1: 0, x2: awayMs, fill: PAUSE, fillOpacity: 0.35 }),
          Plot.ruleX([0, awayMs], { stroke: PAUSE, strokeWidth: 1.5 }),
          Plot.lineY(points, { x: 'ms', y: 'value', stroke: 'var(--c3)', strokeWidth: 1.75 }),
          Plot.ruleY([0], { stroke: INK, strokeOpacity: 0.5 }),
        ],
      }),
    ],
  };
}

export function switchovers({ migrations }: Result): Section | null {
  const drawable = typical(completed(migrations).filter(isSwitchedOver));
  const chosen = spreadOver(drawable, MOST);
  const panels = chosen.map(panel).filter((found) => found !== null);
  if (panels.length === 0) return null;
  const left = drawable.length - chosen.length;
  return {
    title: 'The guest around the switchover',
    legend: [
      { label: 'guest throughput', color: 'var(--c3)' },
      {
        label: 'guest paused',
        color: `color-mix(in srgb, ${PAUSE} 35%, transparent)`,
        isArea: true,
      },
    ],
    panels,
    caption: `The same migrations. Operations between two readings of the guest’s counter, a few milliseconds apart; what it did between the last reading on the source and the first on the destination is spread over the time it ran. The paused interval is from just before the pause on the source to just after the resume on the destination; the longest gap is what the guest itself measured between two of its marks.${left > 0 ? ` ${left} more cases are in the result file.` : ''}`,
  };
}
