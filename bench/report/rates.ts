// Rates from counters that were read every few milliseconds.

/** The steps between neighbouring readings: { startMs, endMs, perSecond }; readings without a count are left out. */
export function steps(points, key) {
  const known = points.filter((point) => point[key] !== null && point[key] !== undefined);
  const found = [];
  for (let i = 1; i < known.length; i += 1) {
    const [before, after] = [known[i - 1], known[i]];
    const ms = after.atMs - before.atMs;
    if (ms <= 0) continue;
    const perSecond = (Math.max(0, after[key] - before[key]) / ms) * 1000;
    found.push({ startMs: before.atMs, endMs: after.atMs, perSecond });
  }
  return found;
}

/**
 * The same steps joined to at least `ms` each, so that a long migration is not drawn as noise. The time while
 * the guest is away stays apart.
 */
export function smoothed(found, ms) {
  const joined = [];
  for (const step of found) {
    const last = joined.at(-1);
    const isFull = last !== undefined && last.endMs - last.startMs >= ms;
    if (last === undefined || isFull || last.isAway || step.isAway) {
      joined.push({ ...step });
      continue;
    }
    const [before, now] = [last.endMs - last.startMs, step.endMs - step.startMs];
    last.perSecond = (last.perSecond * before + step.perSecond * now) / (before + now);
    last.endMs = step.endMs;
  }
  return joined;
}

/**
 * What the guest did per second: on the source until its pause, nothing while it was away, then on the
 * destination. What it did between the last reading here and the first one there, it did in the time it ran.
 */
export function guestSteps({ source, destination, pausedAtMs, resumedAtMs }) {
  if (pausedAtMs === null || resumedAtMs === null) return steps(source, 'operations');
  const counted = ({ operations }) => operations !== null;
  const here = source.filter((point) => counted(point) && point.atMs <= pausedAtMs);
  const there = destination.filter((point) => counted(point) && point.atMs > resumedAtMs);
  const away = { startMs: pausedAtMs, endMs: resumedAtMs, perSecond: 0, isAway: true };
  const [last, first] = [here.at(-1), there[0]];
  if (last === undefined || first === undefined) return [...steps(here, 'operations'), away];
  const ranMs = pausedAtMs - last.atMs + first.atMs - resumedAtMs;
  const perSecond =
    ranMs > 0 ? (Math.max(0, first.operations - last.operations) / ranMs) * 1000 : 0;
  return [
    ...steps(here, 'operations'),
    { startMs: last.atMs, endMs: pausedAtMs, perSecond },
    away,
    { startMs: resumedAtMs, endMs: first.atMs, perSecond },
    ...steps(there, 'operations'),
  ];
}
