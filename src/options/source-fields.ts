/** Every option of a migration: what it may be, and its default. */
import * as v from 'valibot';
import { TRACKER_KINDS } from '../native/memory.js';
import { ALTERNATIVES } from '../policy/convergence.js';
import { MAX_CHANNELS } from '../policy/copying.js';
import { MAX_OBSERVE_MS } from '../protocol/messages.js';
import { isMigrationIdText } from '../protocol/migration-id.js';
import { COMPRESSIONS, type Compression, isCompression, STRATEGY_NAMES } from '../vocabulary.js';
import { callable, choice, flag, fraction, text, whole } from './field.js';
import { TLS_SCHEMA } from './security.js';
import { FILE_PATH, HOST, SOCKET_PATH, STALL_MS, TEE_RESERVE_BYTES } from './shared-fields.js';

const HOUR_MS = 3_600_000;

const COMPRESSION = {
  choices: COMPRESSIONS,
  default: 'auto',
  schema: v.custom<Compression>(
    isCompression,
    `must be one of ${COMPRESSIONS.join(', ')}, or zstd:LEVEL with a level from 1 to 19`,
  ),
} as const;

export const SOURCE_FIELDS = {
  port: whole({ unit: 'count', least: 1, most: 65_535, default: undefined }),
  /** By default as many as the host's cores suggest. */
  channels: whole({ unit: 'count', least: 1, most: MAX_CHANNELS, default: undefined }),
  /** By default the best that the kernel offers. */
  tracker: choice(TRACKER_KINDS, undefined),
  compression: COMPRESSION,
  /** Of what was sent, kept as bases of deltas. By default as much as the guest's memory and what is free suggest. */
  cacheBytes: whole({ unit: 'bytes', least: 0, most: 2 ** 50, default: undefined }),
  /** Of a core that a guest thread and an encoder both want. */
  guestShare: fraction({ unit: 'count', least: 0.5, most: 0.98, default: 0.9 }),
  /** 0: no limit. */
  bandwidthBytesPerSecond: whole({
    unit: 'bytes per second',
    least: 0,
    most: 1e15,
    default: 0,
  }),
  downtimeBudgetMs: fraction({ unit: 'ms', least: 0, most: 24 * HOUR_MS, default: 50 }),
  maxRounds: whole({ unit: 'count', least: 1, most: 1_000_000, default: 30 }),
  otherwise: choice(ALTERNATIVES, 'stop-and-copy'),
  observeMs: fraction({ unit: 'ms', least: 0, most: MAX_OBSERVE_MS, default: 0 }),
  verify: flag(false),
  connectMs: whole({ unit: 'ms', least: 1, most: HOUR_MS, default: 5_000 }),
  stallMs: STALL_MS,
  teeReserveBytes: TEE_RESERVE_BYTES,
  /** While the guest is paused: for each thing that it waits for. */
  switchoverMs: whole({ unit: 'ms', least: 100, most: HOUR_MS, default: 3_000 }),
} as const;

export const MIGRATION_ID = v.custom<string>(
  (value) => typeof value === 'string' && isMigrationIdText(value),
  'must be 32 hexadecimal digits',
);

/** What pre-copy is told. */
export const CONVERGENCE_LIMITS = v.looseObject({
  downtimeBudgetMs: SOURCE_FIELDS.downtimeBudgetMs.schema,
  maxRounds: SOURCE_FIELDS.maxRounds.schema,
  memoryPages: whole({ unit: 'count', least: 1, most: Number.MAX_SAFE_INTEGER, default: undefined })
    .schema,
  otherwise: SOURCE_FIELDS.otherwise.schema,
  bandwidthBytesPerSecond: SOURCE_FIELDS.bandwidthBytesPerSecond.schema,
});

/** A strategy of one's own, as far as it can be looked at before it is asked. */
export const OWN_STRATEGY = v.object({
  name: text(64),
  mayServeFaults: v.boolean('must be true or false'),
  repeats: v.optional(v.boolean('must be true or false')),
  next: callable(),
});

const F = SOURCE_FIELDS;

const VERIFY = v.union(
  [
    F.verify.schema,
    v.strictObject({
      pages: whole({ unit: 'count', least: 1, most: Number.MAX_SAFE_INTEGER, default: undefined })
        .schema,
    }),
  ],
  'must be true or false, or { pages }, a whole number of at least 1',
);

/** Where the destination is, and how it is spoken to. */
const REACHING = {
  host: v.optional(HOST),
  port: v.optional(F.port.schema),
  path: v.optional(SOCKET_PATH),
  tls: v.optional(TLS_SCHEMA),
  insecure: v.optional(flag(false).schema),
  connectMs: v.optional(F.connectMs.schema),
  stallMs: v.optional(F.stallMs.schema),
};

/** What asking for an outcome is told. */
export const OUTCOME_SCHEMA = v.strictObject({ ...REACHING, migrationId: MIGRATION_ID });

export const SOURCE_SCHEMA = v.strictObject({
  ...REACHING,
  strategy: v.union(
    [v.picklist(STRATEGY_NAMES), v.looseObject({})],
    `must be a strategy of your own or one of ${STRATEGY_NAMES.join(', ')}`,
  ),
  tee: v.optional(FILE_PATH),
  teeReserveBytes: v.optional(F.teeReserveBytes.schema),
  migrationId: v.optional(MIGRATION_ID),
  channels: v.optional(F.channels.schema),
  tracker: v.optional(F.tracker.schema),
  compression: v.optional(F.compression.schema),
  cacheBytes: v.optional(F.cacheBytes.schema),
  guestShare: v.optional(F.guestShare.schema),
  bandwidthBytesPerSecond: v.optional(F.bandwidthBytesPerSecond.schema),
  downtimeBudgetMs: v.optional(F.downtimeBudgetMs.schema),
  maxRounds: v.optional(F.maxRounds.schema),
  otherwise: v.optional(F.otherwise.schema),
  observeMs: v.optional(F.observeMs.schema),
  verify: v.optional(VERIFY),
  switchoverMs: v.optional(F.switchoverMs.schema),
});
