/**
 * What a run was told and what it ran on, as its JSON document has it (docs/metrics.md): enough to run it again, and what
 * `--like` reads.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import * as v from 'valibot';
import { PageferryError } from '../errors.js';
import {
  STRATEGY_NAMES,
  type StrategyName,
  WORKLOAD_NAMES,
  type WorkloadOptions,
} from '../index.js';
import { SOURCE_FIELDS } from '../options/source-fields.js';
import type { engineOptions, MigrationValues } from './options.js';
import { checkedOutCommit, packageVersion } from './package.js';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const pages = v.pipe(count, v.minValue(4096), v.multipleOf(4096));

const guestSchema = v.object({
  workload: v.union([
    v.picklist(WORKLOAD_NAMES),
    v.object({ kind: v.literal('trace'), path: v.pipe(v.string(), v.nonEmpty()) }),
    v.object({ kind: v.literal('snapshots') }),
  ]),
  memoryBytes: pages,
  workingSetBytes: v.optional(pages),
  writesPerSecond: count,
  writeBytes: v.pipe(count, v.minValue(8), v.maxValue(4096), v.multipleOf(8)),
  threads: v.pipe(count, v.minValue(1), v.maxValue(256)),
  seed: count,
  fill: v.variant('kind', [
    v.object({ kind: v.picklist(['zero', 'random', 'text']) }),
    v.object({ kind: v.picklist(['file', 'image']), path: v.pipe(v.string(), v.nonEmpty()) }),
    v.object({ kind: v.literal('process'), pid: v.pipe(count, v.minValue(1)) }),
  ]),
});

const F = SOURCE_FIELDS;
const migrationSchema = v.object({
  channels: v.optional(F.channels.schema),
  tracker: v.optional(F.tracker.schema),
  compression: F.compression.schema,
  cacheBytes: v.optional(F.cacheBytes.schema),
  guestShare: F.guestShare.schema,
  bandwidthBytesPerSecond: F.bandwidthBytesPerSecond.schema,
  downtimeBudgetMs: F.downtimeBudgetMs.schema,
  maxRounds: F.maxRounds.schema,
  otherwise: F.otherwise.schema,
  observeMs: F.observeMs.schema,
  verify: F.verify.schema,
  stallMs: F.stallMs.schema,
  switchoverMs: F.switchoverMs.schema,
});

const toldSchema = v.object({
  version: v.literal(1),
  strategies: v.pipe(v.array(v.picklist(STRATEGY_NAMES)), v.minLength(1)),
  guest: guestSchema,
  migration: migrationSchema,
});

/** Everything in the document but its version and its migrations. */
export function conditionsOf(
  guest: WorkloadOptions,
  migration: ReturnType<typeof engineOptions>,
  strategies: readonly StrategyName[],
) {
  return {
    strategies,
    guest,
    migration,
    host: {
      kernel: release(),
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      node: process.version,
      pageferry: packageVersion(),
      commit: checkedOutCommit(),
    },
  };
}

export type Conditions = ReturnType<typeof conditionsOf>;

/** What the run of this document was told, as the command line says it. Throws USAGE for a file that is none. */
export function readConditions(file: string): {
  readonly values: Partial<MigrationValues>;
  readonly strategies: readonly StrategyName[];
} {
  const { guest, migration, strategies } = parse(file);
  const values = {
    memory: guest.memoryBytes,
    workload: guest.workload,
    wss: guest.workingSetBytes,
    writeRate: guest.writesPerSecond,
    writeBytes: guest.writeBytes,
    threads: guest.threads,
    fill: guest.fill,
    seed: guest.seed,
    bandwidth: migration.bandwidthBytesPerSecond,
    downtimeBudget: migration.downtimeBudgetMs,
    maxRounds: migration.maxRounds,
    ifNotConverging: migration.otherwise,
    channels: migration.channels,
    tracker: migration.tracker,
    compression: migration.compression,
    cache: migration.cacheBytes,
    guestShare: migration.guestShare,
    observe: migration.observeMs,
    stallTimeout: migration.stallMs,
    switchoverTimeout: migration.switchoverMs,
    verify: migration.verify,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return { values: Object.fromEntries(given) as Partial<MigrationValues>, strategies };
}

function parse(file: string): v.InferOutput<typeof toldSchema> {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unreadable(file, error instanceof Error ? error.message : String(error));
  }
  const parsed = v.safeParse(toldSchema, document);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue) ?? 'the document';
  const isMissing = issue.received === 'undefined';
  throw unreadable(file, isMissing ? `${where} is missing` : `${where}: ${issue.message}`);
}

function unreadable(file: string, reason: string): PageferryError {
  return new PageferryError(
    'USAGE',
    `--like ${file}: ${reason}. Give a file that demo or source wrote with --json`,
  );
}
