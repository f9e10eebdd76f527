// One migration with everything about it chosen: what scenario files and the suite of strategies are made
// of.
import type {
  Alternative,
  Compression,
  Fill,
  MigrationReport,
  TrackerKind,
  WorkloadChoice,
} from '#engine/index.js';
import type { WantedStrategy } from '../agents/messages.js';
import { estimateSeconds } from '../lib/estimate.js';
import { recordOf, strategyName } from '../lib/migration-record.js';
import { runNative } from '../lib/native.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { Figure, SampleContext, Scenario, ScenarioRow } from '../lib/scenario.js';
import { LOOPBACK, linkRateOf, type WantedLink } from '../links/wanted-link.js';

const PAGE_BYTES = 4096;
const OBSERVE_MS = 300;
/** Enough for a rate, and over in a tenth of a second. */
const STREAM_BYTES = 256 * 2 ** 20;

/** The fields of a scenario file, parsed. */
export interface Wanted {
  readonly memory: number;
  readonly strategy: WantedStrategy;
  readonly workload: WorkloadChoice;
  readonly workingSet?: number | undefined;
  readonly writesPerSecond?: number | undefined;
  readonly dirtyRatio?: number | undefined;
  readonly writeBytes?: number | undefined;
  readonly threads?: number | undefined;
  readonly seed?: number | undefined;
  readonly fill: Fill;
  /** 0: no limit. */
  readonly bandwidth: number;
  readonly downtimeBudgetMs?: number | undefined;
  readonly maxRounds?: number | undefined;
  /** What pre-copy does when it will not converge. */
  readonly otherwise?: Alternative | undefined;
  readonly channels?: number | undefined;
  readonly compression: Compression;
  readonly tracker?: TrackerKind | undefined;
}

/** Bytes per second: the link's rate or the engine's own limit, whichever is lower; null without either. */
function limitOf(link: WantedLink, bandwidth: number): number | null {
  const rates = [linkRateOf(link) ?? 0, bandwidth].filter((rate) => rate > 0);
  return rates.length > 0 ? Math.min(...rates) : null;
}

/** What a plain send/recv gets just now, in bytes per second. */
async function plainRate(signal: AbortSignal): Promise<number> {
  const args = ['--bytes', STREAM_BYTES, '--congestion', 'cubic'];
  const { bytes, seconds } = await runNative('tcp-stream', args, { signal });
  return bytes / seconds;
}

/** The guest's writes: as many pages per second as `dirtyRatio` of the link carries, where that is given. */
function writesOf(
  { workload, writesPerSecond, dirtyRatio }: Wanted,
  rate: number,
): Pick<WorkloadMigration['guest']['options'], 'workload' | 'writesPerSecond'> {
  // To the engine no limit and no writes look alike: a guest that writes nothing is an idle one.
  if (dirtyRatio === 0) return { workload: 'idle' };
  const paced = dirtyRatio === undefined ? writesPerSecond : (dirtyRatio * rate) / PAGE_BYTES;
  if (paced === undefined) return { workload };
  return { workload, writesPerSecond: Math.max(1, Math.round(paced)) };
}

/** Those of the fields that were given. */
function given<Fields extends object>(fields: Fields) {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Fields]: Exclude<Fields[Key], undefined> };
}

function optionsOf(wanted: Wanted, rate: number): WorkloadMigration {
  const { memory, workingSet: workingSetBytes, fill, writeBytes, threads, seed } = wanted;
  const { strategy, bandwidth, compression } = wanted;
  const { channels, tracker, downtimeBudgetMs, maxRounds, otherwise } = wanted;
  return {
    guest: {
      kind: 'workload',
      options: {
        ...writesOf(wanted, rate),
        memoryBytes: memory,
        fill,
        ...given({ workingSetBytes, writeBytes, threads, seed }),
      },
    },
    source: {
      strategy,
      bandwidthBytesPerSecond: bandwidth,
      compression,
      observeMs: OBSERVE_MS,
      ...given({ channels, tracker, downtimeBudgetMs, maxRounds, otherwise }),
    },
    destination: { prepare: true },
  };
}

/** Migrates once and answers the report and the record of it. The first repetition keeps a time line. */
export async function migrateAsWanted(label: string, wanted: Wanted, context: SampleContext) {
  const { signal, link, repetition, warmUp } = context;
  const { bandwidth, dirtyRatio = null } = wanted;
  const linkBytesPerSecond = limitOf(link ?? LOOPBACK, bandwidth);
  // Only a dirty ratio is a share of it.
  const rate = dirtyRatio === null ? 0 : (linkBytesPerSecond ?? (await plainRate(signal)));
  const options = optionsOf(wanted, rate);
  const timeline = repetition === 0 && !warmUp;
  const run = await migrateOnce({ ...options, timeline }, context);
  const rttMs = link.kind === 'relay' ? link.rttMs : null;
  const record = recordOf(label, options, run, { linkBytesPerSecond, dirtyRatio, rttMs });
  return { report: run.report, record };
}

/** Null for a guest that set no two marks, such as an idle one. */
function longestGap({ guest }: MigrationReport): number | null {
  const longestGapMs = guest?.longestGapMs ?? 0;
  return longestGapMs > 0 ? longestGapMs : null;
}

/** Null for a guest that did nothing before, such as an idle one. */
function lostMs({ guest }: MigrationReport): number | null {
  return guest?.lostMs ?? null;
}

interface MigrationRow extends Pick<ScenarioRow, 'key' | 'title' | 'unit'> {
  of(report: MigrationReport): number | null;
  /** Why a guest may have no such figure. */
  readonly lacking?: string;
}

/** The figures that every strategy can be compared by. */
const MIGRATION_ROWS: readonly MigrationRow[] = [
  { key: 'total', title: 'total migration time', unit: 'ms', of: ({ totalMs }) => totalMs },
  { key: 'downtime', title: 'downtime', unit: 'ms', of: ({ downtimeMs }) => downtimeMs },
  {
    key: 'gap',
    title: 'longest gap between marks',
    unit: 'ms',
    of: longestGap,
    lacking: 'the guest set no two marks',
  },
  {
    key: 'lost',
    title: 'time that the guest lost',
    unit: 'ms',
    of: lostMs,
    lacking: 'the guest did nothing before the migration',
  },
  { key: 'wire', title: 'sent', unit: 'MB', of: ({ wireBytes }) => wireBytes / 1e6 },
];

function figureOf({ of, lacking }: MigrationRow, report: MigrationReport): Figure {
  const measured = of(report);
  return measured === null && lacking !== undefined ? { skipped: lacking } : { measured };
}

/** The rows' heads for one migration; keys begin with `prefix`. */
export function migrationRows(prefix: string, title: string): ScenarioRow[] {
  return MIGRATION_ROWS.map((row) => ({
    key: `${prefix}-${row.key}`,
    title: `${title}: ${row.title}`,
    unit: row.unit,
    better: 'lower',
  }));
}

export function migrationFigures(prefix: string, report: MigrationReport): Record<string, Figure> {
  return Object.fromEntries(
    MIGRATION_ROWS.map((row) => [`${prefix}-${row.key}`, figureOf(row, report)]),
  );
}

export function migrationScenario({
  link,
  ...wanted
}: Wanted & { readonly name: string; readonly link: WantedLink | undefined }): Scenario {
  const { name, strategy, memory, bandwidth, dirtyRatio } = wanted;
  const way = strategyName(strategy);
  return {
    name,
    link,
    neededBytes: 2 * memory,
    sampleSeconds: estimateSeconds(memory, way, limitOf(link ?? LOOPBACK, bandwidth), dirtyRatio),
    how: `One migration by ${way} in two fresh processes, destination populated before; the guest is watched for ${OBSERVE_MS} ms before and after. With a dirty ratio the guest writes that share of what the link carries in pages; of a link without a limit that is what a plain send/recv gets right before.`,
    rows: migrationRows(name, name),
    async sample(context) {
      const { report, record } = await migrateAsWanted(name, wanted, context);
      return { rows: migrationFigures(name, report), migrations: [record] };
    },
  };
}
