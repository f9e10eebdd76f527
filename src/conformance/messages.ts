/** The messages of docs/protocol.md, sections 3.1 and 3.2, field by field. */
import {
  bytes,
  type Check,
  clock,
  duration,
  fields,
  flag,
  listOf,
  nullable,
  oneOf,
  optional,
  text,
  whole,
} from './schema.js';
import type { Direction } from './violation.js';

export const MOST_MESSAGE_BYTES = 262_144;
export const MOST_STATE_BYTES = 268_369_920;
const MOST_CALL_MS = 3_600_000;

const offers = fields({
  contents: listOf(text, 256),
  spaceKinds: listOf(text, 16),
  cacheBytes: whole(),
});

const TO_DESTINATION: Readonly<Record<string, Check>> = {
  open: fields({
    spaces: listOf(fields({ kind: text, bytes: whole(1), pageBytes: whole(1) }), 4096, 1),
    offers,
    channels: whole(1, 64),
    populatedBytes: whole(),
    dense: listOf(fields({ page: whole(), pages: whole(1) }), 256),
    populateFirst: flag,
    description: bytes(131_072),
    bootId: text,
    strategy: text,
  }),
  query: fields({ id: bytes(16, 16) }),
  clock: fields({ sentNs: clock }),
  round: fields({ sync: whole(1) }),
  switchover: fields({
    sync: whole(1),
    postCopy: flag,
    state: bytes(MOST_STATE_BYTES),
    pausedAtNs: clock,
    running: flag,
  }),
  resume: fields({}),
  pushed: fields({ sync: whole(1) }),
  verify: fields({ observeMs: duration(600_000), pages: whole() }),
  bye: fields({}),
  cancel: fields({ reason: text }),
  failed: fields({ code: text, message: text }),
  alive: fields({}),
};

const TO_SOURCE: Readonly<Record<string, Check>> = {
  opened: fields({
    bootId: text,
    accepts: offers,
    faultPath: flag,
    faultPathReason: optional(text),
    maxStateBytes: whole(0, MOST_STATE_BYTES),
    guestCallMs: duration(MOST_CALL_MS),
  }),
  outcome: fields({
    state: oneOf('unknown', 'arriving', 'running', 'complete', 'failed', 'lost'),
    code: text,
    sinceMs: duration(),
  }),
  clocked: fields({ sentNs: clock, nowNs: clock }),
  rounded: fields({ sync: whole(1), pages: whole() }),
  ready: fields({}),
  running: fields({ resumedAtNs: clock, loadStateMs: duration(), resumeMs: duration() }),
  complete: fields({
    demandFaults: whole(),
    demandFaultsOverNetwork: whole(),
    faultLatencyUs: fields({ p50: duration(), p99: duration(), p999: duration(), max: duration() }),
    pagesReceived: whole(),
    duplicatePages: whole(),
    completedAtNs: clock,
    guest: nullable(fields({ operations: whole(), longestGapMs: duration() })),
  }),
  verified: fields({
    verification: nullable(
      fields({
        pagesCompared: whole(),
        pagesDifferent: whole(),
        firstDifferentPage: nullable(whole()),
        failedReads: whole(),
      }),
    ),
    guest: nullable(fields({ opsPerSecond: duration() })),
  }),
  failed: fields({ code: text, message: text, neverRan: flag }),
  alive: fields({}),
};

export const MESSAGES: Readonly<Record<Direction, Readonly<Record<string, Check>>>> = {
  'to-destination': TO_DESTINATION,
  'to-source': TO_SOURCE,
};

/** Which section has the table with this direction's messages. */
export const SECTION_OF: Readonly<Record<Direction, string>> = {
  'to-destination': '3.1',
  'to-source': '3.2',
};
