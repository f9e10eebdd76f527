/** Every option of a destination: what it may be, and its default. */

import * as v from 'valibot';
import { GUEST_CALL_MS } from '../policy/deadlines.js';
import { MAX_STATE_BYTES } from '../protocol/framing.js';
import { MAX_GUEST_CALL_MS } from '../protocol/messages.js';
import { PAGE_BYTES } from '../units.js';
import { callable, flag, whole } from './field.js';
import { TLS_SCHEMA } from './security.js';
import { FILE_PATH, HOST, SOCKET_PATH, STALL_MS, TEE_RESERVE_BYTES } from './shared-fields.js';

export const DESTINATION_FIELDS = {
  /** 0: a free one. */
  port: whole({ unit: 'count', least: 0, most: 65_535, default: 0 }),
  /** By default the host's free memory is the limit. */
  memoryLimitBytes: whole({
    unit: 'bytes',
    least: PAGE_BYTES,
    most: Number.MAX_SAFE_INTEGER,
    default: undefined,
  }),
  overcommit: flag(false),
  maxMigrations: whole({ unit: 'count', least: 1, most: 65_536, default: 64 }),
  /** Over all migrations: each has a thread here. */
  maxPageChannels: whole({ unit: 'count', least: 1, most: 65_536, default: 256 }),
  /** The longest state of a guest that is taken. */
  maxStateBytes: whole({ unit: 'bytes', least: 0, most: MAX_STATE_BYTES, default: 64 << 20 }),
  prefault: flag(false),
  stallMs: STALL_MS,
  teeReserveBytes: TEE_RESERVE_BYTES,
  /** For each call into a guest. */
  guestCallMs: whole({ unit: 'ms', least: 100, most: MAX_GUEST_CALL_MS, default: GUEST_CALL_MS }),
} as const;

const F = DESTINATION_FIELDS;

const regionBytes = v.custom<number>(
  (value) =>
    Number.isSafeInteger(value) && (value as number) > 0 && (value as number) % PAGE_BYTES === 0,
  `must be a positive multiple of ${PAGE_BYTES} bytes`,
);
const regions = v.pipe(
  v.array(regionBytes, 'must be a list of sizes of regions'),
  v.minLength(1, 'must name at least one region'),
);

export const DESTINATION_SCHEMA = v.strictObject({
  host: v.optional(HOST),
  port: v.optional(F.port.schema),
  path: v.optional(SOCKET_PATH),
  tls: v.optional(TLS_SCHEMA),
  insecure: v.optional(flag(false).schema),
  createGuest: callable(),
  memoryLimitBytes: v.optional(F.memoryLimitBytes.schema),
  overcommit: v.optional(F.overcommit.schema),
  maxMigrations: v.optional(F.maxMigrations.schema),
  maxPageChannels: v.optional(F.maxPageChannels.schema),
  ledger: v.optional(v.looseObject({}, 'must be a ledger')),
  maxStateBytes: v.optional(F.maxStateBytes.schema),
  prefault: v.optional(F.prefault.schema),
  prepare: v.optional(
    v.array(regions, 'must be a list of guests, each a list of sizes of regions'),
  ),
  tee: v.optional(FILE_PATH),
  teeReserveBytes: v.optional(F.teeReserveBytes.schema),
  stallMs: v.optional(F.stallMs.schema),
  guestCallMs: v.optional(F.guestCallMs.schema),
});
