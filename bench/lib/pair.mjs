// A source and a destination, each a process of its own, for one migration.
import { openLink } from '../links/index.mjs';
import { AgentProcess } from './agent-process.mjs';

/** Both sides' points as the result file has them: milliseconds since the migration began. */
function joinTimelines({ source, rounds, startedMs, pausedMs }, destination, report) {
  const since = (ms) => Number((ms - startedMs).toFixed(3));
  const at = (point) => ({ ...point, atMs: since(point.atMs) });
  const hasResumed = pausedMs !== null && report.downtimeMs !== null;
  return {
    source: source.map(at),
    destination: destination.map(at),
    pausedAtMs: pausedMs === null ? null : since(pausedMs),
    resumedAtMs: hasResumed ? since(pausedMs + report.downtimeMs) : null,
    rounds: rounds.map(({ startMs, endMs, ...round }) => ({
      startMs: since(startMs),
      endMs: since(endMs),
      ...round,
    })),
  };
}

async function migrateOver(link, { guest, source, destination = {}, onPhase, ...wanted }) {
  const { signal, timeline = false, speedMs } = wanted;
  const there = new AgentProcess('destination.mjs', { prefix: link.prefix('destination'), signal });
  const here = new AgentProcess('source.mjs', { prefix: link.prefix('source'), signal });
  const pids = { source: here.pid, destination: there.pid };
  if (onPhase !== undefined) here.on('phase', (phase) => onPhase(phase, pids));
  try {
    there.send({ guest, destination: { ...destination, host: link.listenHost }, timeline });
    const { port } = await there.answer('listening');
    const options = { ...source, ...(await link.target(port)) };
    const announcePhases = onPhase !== undefined;
    here.send({ guest, source: options, announcePhases, timeline, speedMs });
    await here.answer('made');
    const [sent, arrived] = await Promise.all([here.answer('migrated'), there.answer('arrived')]);
    if (source.verify && sent.report.guestVerified !== true) {
      throw new Error(`the guest differs: ${JSON.stringify(sent.report.verification)}`);
    }
    return {
      report: sent.report,
      source: sent,
      destination: arrived,
      timeline: timeline ? joinTimelines(sent.timeline, arrived.timeline ?? [], sent.report) : null,
    };
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
}

/**
 * Migrates a guest once, in two fresh processes, and answers what both saw: `report`, `source` and
 * `destination` (`cpuMs`, `memory`, …) and, with `timeline`, the time line. On return, and when it
 * rejects, the processes and the link are gone.
 *
 * `guest` is what agents/guests.mjs makes; `source` are the source's options and `destination` the
 * destination's. `link` says what lies between them, `signal` aborts, `speedMs` measures the guest's own
 * speed for so long before, and `onPhase(phase, pids)` is told each phase of the source.
 */
export async function migrateOnce({ link: wanted = { kind: 'loopback' }, ...options }) {
  const link = await openLink(wanted);
  try {
    return await migrateOver(link, options);
  } finally {
    await link.close();
  }
}
