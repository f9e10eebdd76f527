/**
 * The messages of the control channel, exactly as in docs/protocol.md, section 3. A schema for each: what
 * a peer sends is checked before anything believes it.
 */
import * as v from 'valibot';
import { oneLine } from '../errors.js';
import { MAX_STATE_BYTES } from './framing.js';
import { MIGRATION_ID_BYTES } from './migration-id.js';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A number of a sync, or of what there is at least one of. */
const positive = v.pipe(count, v.minValue(1));
const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0));
/** Nanoseconds of some host's CLOCK_MONOTONIC: 64 bits, so a bigint. */
const clock = v.pipe(
  v.union([v.pipe(v.bigint(), v.minValue(0n), v.maxValue(2n ** 64n - 1n)), count]),
  v.transform((value) => BigInt(value)),
);
const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes');
/** Characters of a text. */
export const MAX_TEXT = 4096;
/** A source may ask for no longer a look at the guest that arrived. */
export const MAX_OBSERVE_MS = 600_000;
/** Spaces of a guest. */
export const MAX_SPACES = 4096;
/** Runs of pages that a source names as dense. */
export const MAX_DENSE_PARTS = 256;
/** Contents, and kinds of space, that a source may offer. */
export const MAX_CONTENTS = 256;
export const MAX_SPACE_KINDS = 16;
/** Bytes of what describes a guest to its factory: with all spaces it fits a message. */
export const MAX_DESCRIPTION_BYTES = 65_536;
/** No destination grants a call into a guest more. */
export const MAX_GUEST_CALL_MS = 3_600_000;

/** A text as it is sent, and as it is taken. */
export function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}

const text = v.pipe(v.string(), v.transform(shortened));

const guestFigures = v.nullable(v.object({ operations: count, longestGapMs: milliseconds }));
const verification = v.object({
  pagesCompared: count,
  pagesDifferent: count,
  firstDifferentPage: v.nullable(count),
  failedReads: count,
});
const latency = v.object({
  p50: milliseconds,
  p99: milliseconds,
  p999: milliseconds,
  max: milliseconds,
});

/** What a source may use in a migration, and what of that a destination accepts (docs/protocol.md, 3.3). */
const offers = v.object({
  contents: v.pipe(v.array(text), v.maxLength(MAX_CONTENTS)),
  spaceKinds: v.pipe(v.array(text), v.maxLength(MAX_SPACE_KINDS)),
});
export type Offers = Readonly<v.InferOutput<typeof offers>>;

/** How a migration stands, as far as a destination knows. */
export const OUTCOME_STATES = [
  'unknown',
  'arriving',
  'running',
  'complete',
  'failed',
  'lost',
] as const;

export const sourceSchemas = {
  open: v.object({
    type: v.literal('open'),
    spaces: v.pipe(
      v.array(v.object({ kind: text, bytes: positive, pageBytes: positive })),
      v.minLength(1),
      v.maxLength(MAX_SPACES),
    ),
    offers,
    channels: v.pipe(positive, v.maxValue(64)),
    populatedBytes: count,
    dense: v.pipe(
      v.array(v.object({ page: count, pages: positive })),
      v.maxLength(MAX_DENSE_PARTS),
    ),
    populateFirst: v.boolean(),
    description: v.pipe(bytes, v.maxLength(MAX_DESCRIPTION_BYTES)),
    bootId: text,
    strategy: text,
  }),
  query: v.object({
    type: v.literal('query'),
    id: v.pipe(bytes, v.length(MIGRATION_ID_BYTES, 'must be a migration id')),
  }),
  clock: v.object({ type: v.literal('clock'), sentNs: clock }),
  round: v.object({ type: v.literal('round'), sync: positive }),
  switchover: v.object({
    type: v.literal('switchover'),
    sync: positive,
    postCopy: v.boolean(),
    state: bytes,
    pausedAtNs: clock,
    running: v.boolean(),
  }),
  resume: v.object({ type: v.literal('resume') }),
  pushed: v.object({ type: v.literal('pushed'), sync: positive }),
  verify: v.object({
    type: v.literal('verify'),
    observeMs: v.pipe(milliseconds, v.maxValue(MAX_OBSERVE_MS)),
    pages: count,
  }),
  bye: v.object({ type: v.literal('bye') }),
  cancel: v.object({ type: v.literal('cancel'), reason: text }),
  failed: v.object({ type: v.literal('failed'), code: text, message: text }),
  alive: v.object({ type: v.literal('alive') }),
};

export const destinationSchemas = {
  opened: v.object({
    type: v.literal('opened'),
    bootId: text,
    accepts: offers,
    faultPath: v.boolean(),
    faultPathReason: v.optional(text, ''),
    maxStateBytes: v.pipe(count, v.maxValue(MAX_STATE_BYTES)),
    guestCallMs: v.pipe(milliseconds, v.maxValue(MAX_GUEST_CALL_MS)),
  }),
  outcome: v.object({
    type: v.literal('outcome'),
    state: v.picklist(OUTCOME_STATES),
    code: text,
    sinceMs: milliseconds,
  }),
  clocked: v.object({ type: v.literal('clocked'), sentNs: clock, nowNs: clock }),
  rounded: v.object({ type: v.literal('rounded'), sync: positive, pages: count }),
  ready: v.object({ type: v.literal('ready') }),
  running: v.object({
    type: v.literal('running'),
    resumedAtNs: clock,
    loadStateMs: milliseconds,
    resumeMs: milliseconds,
  }),
  complete: v.object({
    type: v.literal('complete'),
    demandFaults: count,
    demandFaultsOverNetwork: count,
    faultLatencyUs: latency,
    pagesReceived: count,
    duplicatePages: count,
    completedAtNs: clock,
    guest: guestFigures,
  }),
  verified: v.object({
    type: v.literal('verified'),
    verification: v.nullable(verification),
    guest: v.nullable(v.object({ opsPerSecond: milliseconds })),
  }),
  failed: v.object({
    type: v.literal('failed'),
    code: text,
    message: text,
    neverRan: v.boolean(),
  }),
  alive: v.object({ type: v.literal('alive') }),
};

type Schemas = Readonly<Record<string, v.GenericSchema<unknown, { type: string }>>>;
type MessageOf<S extends Schemas> = { [K in keyof S]: v.InferOutput<S[K]> }[keyof S];

/** What a source sends. */
export type SourceMessage = MessageOf<typeof sourceSchemas>;
/** What a destination sends. */
export type DestinationMessage = MessageOf<typeof destinationSchemas>;

const MOST_WORDS = 200;

/** Why a message was refused, for the peer and the log: in one short line, whatever the message holds. */
export class MessageRefused extends Error {
  constructor(why: string) {
    const line = oneLine(why);
    super(line.length <= MOST_WORDS ? line : `${line.slice(0, MOST_WORDS - 1)}…`);
  }
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

/**
 * Checks one decoded message; undefined for an optional one that is not known here. Throws MessageRefused, naming the
 * field that is wrong.
 */
function parserFor<M extends { type: string }>(
  schemas: Schemas,
): (value: unknown) => M | undefined {
  return (value) => {
    const type = fieldOf(value, 'type');
    const schema =
      typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
    if (schema === undefined) {
      if (typeof type === 'string' && fieldOf(value, 'optional') === true) return undefined;
      throw new MessageRefused(`unknown message ${JSON.stringify(type)}`);
    }
    // At the first thing that is wrong: a list of a quarter of a million would be as many complaints.
    const parsed = v.safeParse(schema, value, { abortEarly: true });
    if (parsed.success) return parsed.output as M;
    const issue = parsed.issues[0];
    const field = v.getDotPath(issue) ?? '';
    throw new MessageRefused(`message ${String(type)}: ${field} ${issue.message}`);
  };
}

export const parseSourceMessage = parserFor<SourceMessage>(sourceSchemas);
export const parseDestinationMessage = parserFor<DestinationMessage>(destinationSchemas);
