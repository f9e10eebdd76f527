// Rates from counters that were read every few milliseconds.
import type { Timeline } from '../result/schema.js';

export interface Step {
  readonly startMs: number;
  readonly endMs: number;
  readonly perSecond: number;
  /** While the guest was nowhere. */
  readonly isAway?: boolean;
}

/** When a counter was read, and what it said. */
type Reading<Key extends string> = { readonly atMs: number } & Readonly<Record<Key, number | null>>;

/** The steps between neighbouring readings; readings without a count are left out. */
export function steps<Key extends string>(points: readonly Reading<Key>[], key: Key): Step[] {
  const known = points.flatMap((point) => counted(point, key));
  const found: Step[] = [];
  let [before] = known;
  for (const after of known) {
    if (before !== undefined && after.atMs > before.atMs) {
      const ms = after.atMs - before.atMs;
      const perSecond = (Math.max(0, after.count - before.count) / ms) * 1000;
      found.push({ startMs: before.atMs, endMs: after.atMs, perSecond });
    }
    before = after;
  }
  return found;
}

/** None for a reading without a count. */
function counted<Key extends string>(
  reading: Reading<Key>,
  key: Key,
): { readonly atMs: number; readonly count: number }[] {
  const count = reading[key];
  return count === null ? [] : [{ atMs: reading.atMs, count }];
}

/**
 * The same steps joined to at least `ms` each, so that a long migration is not drawn as noise. The time while
 * the guest is away stays apart.
 */
export function smoothed(found: readonly Step[], ms: number): Step[] {
  const joined: Step[] = [];
  for (const step of found) {
    const last = joined.at(-1);
    const isFull = last !== undefined && last.endMs - last.startMs >= ms;
    if (last === undefined || isFull || last.isAway || step.isAway) {
      joined.push(step);
      continue;
    }
    const [before, now] = [last.endMs - last.startMs, step.endMs - step.startMs];
    const perSecond = (last.perSecond * before + step.perSecond * now) / (before + now);
    joined.splice(-1, 1, { ...last, endMs: step.endMs, perSecond });
  }
  return joined;
}

/** What a time line has to say for it. */
interface GuestReadings extends Pick<Timeline, 'pausedAtMs' | 'resumedAtMs'> {
  readonly source: readonly Reading<'operations'>[];
  readonly destination: readonly Reading<'operations'>[];
}

/**
 * What the guest did per second: on the source until its pause, nothing while it was away, then on the
 * destination. What it did between the last reading here and the first one there, it did in the time it ran.
 */
export function guestSteps({
  source,
  destination,
  pausedAtMs,
  resumedAtMs,
}: GuestReadings): Step[] {
  if (pausedAtMs === null || resumedAtMs === null) return steps(source, 'operations');
  const here = source.filter(({ atMs }) => atMs <= pausedAtMs);
  const there = destination.filter(({ atMs }) => atMs > resumedAtMs);
  const away: Step = { startMs: pausedAtMs, endMs: resumedAtMs, perSecond: 0, isAway: true };
  const last = here.flatMap((point) => counted(point, 'operations')).at(-1);
  const [first] = there.flatMap((point) => counted(point, 'operations'));
  if (last === undefined || first === undefined) return [...steps(here, 'operations'), away];
  const ranMs = pausedAtMs - last.atMs + first.atMs - resumedAtMs;
  const perSecond = ranMs > 0 ? (Math.max(0, first.count - last.count) / ranMs) * 1000 : 0;
  return [
    ...steps(here, 'operations'),
    { startMs: last.atMs, endMs: pausedAtMs, perSecond },
    away,
    { startMs: resumedAtMs, endMs: first.atMs, perSecond },
    ...steps(there, 'operations'),
  ];
}
