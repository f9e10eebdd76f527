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
import { type Compared, comparedOf, EVERY_PAGE, type Verify } from './verification.js';

/** By side; undefined for one that could not be started. */
export type Pids = Readonly<Record<Side, number | undefined>>;

/** A guest, and how it is migrated. */
export interface WantedMigration {
  readonly guest: WantedGuest;
  readonly source: Omit<WantedSource, 'host' | 'port' | 'verify'>;
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

/** What all migrations of a sample have in common. */
export interface MigrationContext {
  /** What lies between a source and a destination. */
  readonly link: WantedLink;
  readonly signal: AbortSignal;
  /** What is compared of each guest, once the figures are final. */
  readonly verify: Verify;
  /** Is told what was. */
  readonly onCompared: (compared: Compared) => void;
}

export interface MigrationOptions extends WantedMigration {
  /** Records what the engine occupied at most. */
  readonly peakMemory?: boolean;
  /** Is told each phase of the source. */
  readonly onPhase?: (phase: SourcePhase, pids: Pids) => void;
}

/** A migration by itself. */
export const ALONE: Pick<MigrationContext, 'link' | 'verify' | 'onCompared'> = {
  link: LOOPBACK,
  verify: EVERY_PAGE,
  onCompared: () => {},
};
export type Context = typeof ALONE & Partial<MigrationContext>;

/** What both sides saw. */
export interface MigrationRun {
  readonly report: MigrationReport;
  readonly source: Migrated;
  readonly destination: Arrived;
  readonly timeline: Timeline | null;
  readonly link: WantedLink;
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
export class SourceSide {
  readonly made: Promise<void>;
  readonly #agent: AgentProcess<'source'>;

  constructor(
    link: Link,
    port: number,
    options: MigrationOptions,
    { signal, verify }: Context,
    there: AgentProcess<'destination'>,
  ) {
    const { guest, source, onPhase, speedMs } = options;
    const { peakMemory = false, timeline = false } = options;
    this.#agent = new AgentProcess('source', { prefix: link.prefix('source'), signal });
    const pids = { source: this.#agent.pid, destination: there.pid };
    if (onPhase !== undefined) this.#agent.on('phase', (phase) => onPhase(phase, pids));
    const announcePhases = onPhase !== undefined;
    const told = { guest, announcePhases, peakMemory, timeline, speedMs };
    this.made = this.#make(link, port, (reached) => ({
      ...told,
      source: { ...source, verify, ...reached },
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
async function migrateOver(
  link: Link,
  count: number,
  options: MigrationOptions,
  context: Context,
): Promise<Moved> {
  const { guest, destination = {}, peakMemory = false, timeline = false } = options;
  const { signal } = context;
  const there = new AgentProcess('destination', { prefix: link.prefix('destination'), signal });
  const sides: SourceSide[] = [];
  try {
    const listen = { ...destination, host: link.listenHost };
    there.send({ guest, destination: listen, guests: count, peakMemory, timeline });
    const { port } = await there.answer('listening');
    for (let i = 0; i < count; i += 1) {
      sides.push(new SourceSide(link, port, options, context, there));
    }
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
    for (const { report } of answer.sent) context.onCompared(comparedOf(report));
    return { ...answer, stalls };
  } finally {
    await Promise.all([there.close(), ...sides.map((side) => side.close())]);
  }
}

async function migrate(
  count: number,
  options: MigrationOptions,
  given: Partial<MigrationContext>,
): Promise<Moved> {
  const context = { ...ALONE, ...given };
  return await withLink(context.link, (open) => migrateOver(open, count, options, context));
}

export async function withLink<Answer>(
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
 * processes and the link are gone. Rejects where a page of the guest is not what it must be.
 */
export async function migrateOnce(
  options: MigrationOptions,
  context: Partial<MigrationContext> = {},
): Promise<MigrationRun> {
  const { sent, arrived, stalls } = await migrate(1, options, context);
  const [source] = sent;
  if (source === undefined) throw new Error('no source has migrated');
  const { report } = source;
  const timeline =
    source.timeline === null
      ? null
      : joinTimelines(source.timeline, arrived.timeline ?? [], stalls, report);
  return { report, source, destination: arrived, timeline, link: context.link ?? LOOPBACK };
}

/** As many guests alike, at once, into one destination; answers what each source saw, and the destination. */
export async function migrateMany(
  count: number,
  options: MigrationOptions,
  context: Partial<MigrationContext> = {},
): Promise<{ readonly sources: readonly Migrated[]; readonly destination: Arrived }> {
  const { sent, arrived } = await migrate(count, options, context);
  return { sources: sent, destination: arrived };
}
