// A migration that is not alone: another guest sets out while it is under way, and strangers may come to the port.
import type { SourcePhase } from '#engine/index.js';
import type { Arrived, CrowdTask, Migrated } from '../agents/messages.js';
import type { Link } from '../links/link.js';
import { AgentProcess } from './agent-process.js';
import {
  ALONE,
  type Context,
  type MigrationContext,
  SourceSide,
  type WantedMigration,
  withLink,
} from './pair.js';
import { comparedOf } from './verification.js';

export interface Company {
  /** A guest that sets out once the first one is on its way. */
  readonly newcomer: WantedMigration;
  /** Strangers who are there before the first guest sets out, and stay until both have arrived. */
  readonly crowd?: Omit<CrowdTask, 'port'> | undefined;
}

export interface CompanyRun {
  readonly first: Migrated;
  readonly newcomer: Migrated;
  readonly destination: Arrived;
  /** Connections of strangers. */
  readonly strangers: number;
}

interface Sides {
  readonly there: AgentProcess<'destination'>;
  readonly first: SourceSide;
  readonly newcomer: SourceSide;
  /** Settles once the first guest is on its way. */
  readonly isUnderWay: Promise<void>;
}

/** What both sides saw, of a migration in company. On return, and when it rejects, all processes are gone. */
export async function migrateInCompany(
  migration: WantedMigration,
  company: Company,
  given: MigrationContext,
): Promise<CompanyRun> {
  const context = { ...ALONE, ...given };
  return await withLink(context.link, (link) => meet(link, migration, company, context));
}

async function meet(
  link: Link,
  migration: WantedMigration,
  { newcomer, crowd }: Company,
  context: Context,
): Promise<CompanyRun> {
  const { signal } = context;
  const there = new AgentProcess('destination', { prefix: link.prefix('destination'), signal });
  const strangers = crowd === undefined ? undefined : new AgentProcess('crowd', { signal });
  const sides: SourceSide[] = [];
  try {
    const destination = { ...migration.destination, host: link.listenHost };
    const { guest } = migration;
    there.send({ guest, destination, guests: 2, peakMemory: true, timeline: false });
    const { port } = await there.answer('listening');
    let setOut = () => {};
    const isUnderWay = new Promise<void>((resolve) => {
      setOut = resolve;
    });
    const onPhase = (phase: SourcePhase) => {
      if (phase === 'copy-rounds') setOut();
    };
    const first = new SourceSide(link, port, { ...migration, onPhase }, context, there);
    sides.push(first);
    const second = new SourceSide(link, port, newcomer, context, there);
    sides.push(second);
    await Promise.all(sides.map((side) => side.made));
    if (crowd !== undefined) strangers?.send({ ...crowd, port });
    await strangers?.answer('gathered');
    const run = await bothArrive({ there, first, newcomer: second, isUnderWay });
    strangers?.send('leave');
    const left = await strangers?.answer('left');
    for (const { report } of [run.first, run.newcomer]) context.onCompared(comparedOf(report));
    return { ...run, strangers: left?.came ?? 0 };
  } finally {
    const processes = [there, strangers, ...sides];
    await Promise.all(processes.map((one) => one?.close()));
  }
}

async function bothArrive({
  there,
  first,
  newcomer,
  isUnderWay,
}: Sides): Promise<Omit<CompanyRun, 'strangers'>> {
  const arrived = there.answer('arrived');
  arrived.catch(() => {});
  const sent = first.migrate();
  await Promise.race([isUnderWay, sent]);
  const [one, other, destination] = await Promise.all([sent, newcomer.migrate(), arrived]);
  return { first: one, newcomer: other, destination };
}
