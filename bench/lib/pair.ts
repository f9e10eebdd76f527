// A source and a destination, each a process of its own, for one migration.
import type { MigrationReport, SourceOptions, SourcePhase } from '#engine/index.js';
import type { WantedGuest, WantedWorkload } from '../agents/guests.js';
import type {
  Arrived,
  DestinationTask,
  Migrated,
  SourceTask,
  SourceTimeline,
  WantedSource,
} from '../agents/messages.js';
import { openLink } from '../links/index.js';
import type { Link, Side } from '../links/link.js';
import { LOOPBACK, type WantedLink } from '../links/wanted-link.js';
import type { DestinationPoint, Stall, Timeline } from '../result/schema.js';
import { AgentProcess } from './agent-process.js';
import { watchStalls } from './stall-watch.js';

/** By side; undefined for one that could not be started. */
export type Pids = Readonly<Record<Side, number | undefined>>;

/** A guest, and how it is migrated. */
export interface WantedMigration {
  readonly guest: WantedGuest;
  readonly source: Omit<WantedSource, 'host' | 'port'>;
  readonly destination?: Omit<DestinationTask['destination'], 'host'>;
  /** Records the time line. */
  readonly timeline?: boolean;
  /** Measures the guest's own speed for so long before. */
  readonly speedMs?: number;
}

/** One of a built-in guest. */
export interface WorkloadMigration extends WantedMigration {
  readonly guest: WantedWorkload;
}

export interface MigrationOptions extends WantedMigration {
  /** What lies between the two; loopback by default. */
  readonly link?: WantedLink;
  readonly signal?: AbortSignal;
  /** Records what the engine occupied at most. */
  readonly peakMemory?: boolean;
  /** Is told each phase of the source. */
  readonly onPhase?: (phase: SourcePhase, pids: Pids) => void;
}

/** What both sides saw. */
export interface MigrationRun {
  readonly report: MigrationReport;
  readonly source: Migrated;
  readonly destination: Arrived;
  readonly timeline: Timeline | null;
}

/**
 * Both sides' points, and the stalls meanwhile, as the result file has them: milliseconds since the migration
 * began.
 */
function joinTimelines(
  { source, rounds, startedMs, pausedMs }: SourceTimeline,
  destination: readonly DestinationPoint[],
  stalls: readonly Stall[] | null,
  { downtimeMs }: MigrationReport,
): Timeline {
  const since = (ms: number) => Number((ms - (startedMs ?? 0)).toFixed(3));
  const at = <Point extends { readonly atMs: number }>(point: Point) => ({
    ...point,
    atMs: since(point.atMs),
  });
  return {
    source: source.map(at),
    destination: destination.map(at),
    pausedAtMs: pausedMs === null ? null : since(pausedMs),
    resumedAtMs: pausedMs === null || downtimeMs === null ? null : since(pausedMs + downtimeMs),
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
  readonly made: Promise<void>;
  readonly #agent: AgentProcess<'source'>;

  constructor(
    link: Link,
    port: number,
    options: MigrationOptions,
    there: AgentProcess<'destination'>,
  ) {
    const { guest, source, onPhase, signal, speedMs } = options;
    const { peakMemory = false, timeline = false } = options;
    this.#agent = new AgentProcess('source', { prefix: link.prefix('source'), signal });
    const pids = { source: this.#agent.pid, destination: there.pid };
    if (onPhase !== undefined) this.#agent.on('phase', (phase) => onPhase(phase, pids));
    const announcePhases = onPhase !== undefined;
    const told = { guest, announcePhases, peakMemory, timeline, speedMs };
    this.made = this.#make(link, port, (reached) => ({
      ...told,
      source: { ...source, ...reached },
    }));
    this.made.catch(() => {});
  }

  async migrate(): Promise<Migrated> {
    await this.made;
    this.#agent.send('migrate');
    return await this.#agent.answer('migrated');
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #make(
    link: Link,
    port: number,
    taskFor: (destination: Pick<SourceOptions, 'host' | 'port'>) => SourceTask,
  ): Promise<void> {
    this.#agent.send(taskFor(await link.target(port)));
    await this.#agent.answer('made');
  }
}

interface Moved {
  readonly sent: readonly Migrated[];
  readonly arrived: Arrived;
  readonly stalls: readonly Stall[] | null;
}

/** `count` guests alike, each from a process of its own, at once into one destination. */
async function migrateOver(link: Link, count: number, options: MigrationOptions): Promise<Moved> {
  const { guest, source, destination = {}, signal, peakMemory = false, timeline = false } = options;
  const there = new AgentProcess('destination', { prefix: link.prefix('destination'), signal });
  const sides: SourceSide[] = [];
  try {
    const listen = { ...destination, host: link.listenHost };
    there.send({ guest, destination: listen, guests: count, peakMemory, timeline });
    const { port } = await there.answer('listening');
    for (let i = 0; i < count; i += 1) sides.push(new SourceSide(link, port, options, there));
    await Promise.all(sides.map((side) => side.made));
    const migrate = async () => {
      const [arrived, sent] = await Promise.all([
        there.answer('arrived'),
        Promise.all(sides.map((side) => side.migrate())),
      ]);
      return { arrived, sent };
    };
    const { answer, stalls } = timeline
      ? await watchStalls(migrate)
      : { answer: await migrate(), stalls: null };
    for (const { report } of answer.sent) {
      if (!source.verify || report.guestVerified === true) continue;
      throw new Error(`the guest differs: ${JSON.stringify(report.verification)}`);
    }
    return { ...answer, stalls };
  } finally {
    await Promise.all([there.close(), ...sides.map((side) => side.close())]);
  }
}

async function withLink<Answer>(
  wanted: WantedLink,
  use: (link: Link) => Promise<Answer>,
): Promise<Answer> {
  const link = await openLink(wanted);
  try {
    return await use(link);
  } finally {
    await link.close();
  }
}

/**
 * Migrates a guest once, in two fresh processes, and answers what both saw. On return, and when it rejects, the
 * processes and the link are gone.
 */
export async function migrateOnce(options: MigrationOptions): Promise<MigrationRun> {
  const { link = LOOPBACK } = options;
  const { sent, arrived, stalls } = await withLink(link, (open) => migrateOver(open, 1, options));
  const [source] = sent;
  if (source === undefined) throw new Error('no source has migrated');
  const { report } = source;
  const timeline =
    source.timeline === null
      ? null
      : joinTimelines(source.timeline, arrived.timeline ?? [], stalls, report);
  return { report, source, destination: arrived, timeline };
}

/** As many guests alike, at once, into one destination; answers what each source saw, and the destination. */
export async function migrateMany(
  count: number,
  options: MigrationOptions,
): Promise<{ readonly sources: readonly Migrated[]; readonly destination: Arrived }> {
  const { link = LOOPBACK } = options;
  const { sent, arrived } = await withLink(link, (open) => migrateOver(open, count, options));
  return { sources: sent, destination: arrived };
}
