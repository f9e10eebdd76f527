// A source and a destination, each a process of its own, for one migration.
import { openLink } from '../links/index.mjs';
import { AgentProcess } from './agent-process.mjs';
import { watchStalls } from './stall-watch.mjs';

/**
 * Both sides' points, and the stalls meanwhile, as the result file has them: milliseconds since the migration
 * began.
 */
function joinTimelines({ source, rounds, startedMs, pausedMs }, destination, stalls, report) {
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
    // Null where they could not be watched.
    stalls: stalls?.map(at) ?? null,
  };
}

/** Starts a source with its guest in place and running; `migrated` answers when all is over. */
class SourceSide {
  #agent;

  constructor(
    link,
    port,
    { guest, source, onPhase, signal, peakMemory, timeline, speedMs },
    there,
  ) {
    this.#agent = new AgentProcess('source.mjs', { prefix: link.prefix('source'), signal });
    const pids = { source: this.#agent.pid, destination: there.pid };
    if (onPhase !== undefined) this.#agent.on('phase', (phase) => onPhase(phase, pids));
    this.made = this.#make(link, port, {
      guest,
      source,
      announcePhases: onPhase !== undefined,
      peakMemory,
      timeline,
      speedMs,
    });
    this.made.catch(() => {});
  }

  async migrate() {
    await this.made;
    this.#agent.send('migrate');
    return await this.#agent.answer('migrated');
  }

  async close() {
    await this.#agent.close();
  }

  async #make(link, port, message) {
    const { host, port: reached } = await link.target(port);
    const source = { ...message.source, host, port: reached };
    this.#agent.send({ ...message, source });
    await this.#agent.answer('made');
  }
}

/** `count` guests alike, each from a process of its own, at once into one destination. */
async function migrateOver(link, count, options) {
  const { guest, source, destination = {}, signal, peakMemory = false, timeline = false } = options;
  const there = new AgentProcess('destination.mjs', { prefix: link.prefix('destination'), signal });
  const sides = [];
  try {
    const listen = { ...destination, host: link.listenHost };
    there.send({ guest, destination: listen, guests: count, peakMemory, timeline });
    const { port } = await there.answer('listening');
    for (let i = 0; i < count; i += 1) sides.push(new SourceSide(link, port, options, there));
    await Promise.all(sides.map((side) => side.made));
    const migrate = () =>
      Promise.all([there.answer('arrived'), ...sides.map((side) => side.migrate())]);
    const { answer, stalls } = timeline
      ? await watchStalls(migrate)
      : { answer: await migrate(), stalls: null };
    const [arrived, ...sent] = answer;
    for (const { report } of sent) {
      if (!source.verify || report.guestVerified === true) continue;
      throw new Error(`the guest differs: ${JSON.stringify(report.verification)}`);
    }
    return { sent, arrived, stalls };
  } finally {
    await Promise.all([there.close(), ...sides.map((side) => side.close())]);
  }
}

async function withLink(wanted, use) {
  const link = await openLink(wanted);
  try {
    return await use(link);
  } finally {
    await link.close();
  }
}

/**
 * Migrates a guest once, in two fresh processes, and answers what both saw: `report`, `source` and
 * `destination` (`cpuMs`, `memory`, …) and, with `timeline`, the time line. On return, and when it
 * rejects, the processes and the link are gone.
 *
 * `guest` is what agents/guests.mjs makes; `source` are the source's options and `destination` the
 * destination's, where `prepare: true` has memory for the guest populated before it comes. `link` says what lies between them, `signal` aborts, `speedMs` measures the guest's own
 * speed for so long before, `peakMemory` records what the engine occupied at most, and
 * `onPhase(phase, pids)` is told each phase of the source.
 */
export async function migrateOnce({ link = { kind: 'loopback' }, ...options }) {
  const { sent, arrived, stalls } = await withLink(link, (open) => migrateOver(open, 1, options));
  const [source] = sent;
  const { report } = source;
  const timeline = options.timeline
    ? joinTimelines(source.timeline, arrived.timeline ?? [], stalls, report)
    : null;
  return { report, source, destination: arrived, timeline };
}

/** As many guests alike, at once, into one destination; answers what each source saw, and the destination. */
export async function migrateMany(count, { link = { kind: 'loopback' }, ...options }) {
  const { sent, arrived } = await withLink(link, (open) => migrateOver(open, count, options));
  return { sources: sent, destination: arrived };
}
