/** The messages of docs/protocol.md, sections 3.1 and 3.2, field by field. */
import { MOST } from './bounds.js';
import {
  bytes,
  clock,
  duration,
  type FieldsCheck,
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

const offers = fields({
  contents: listOf(text, MOST.contents),
  spaceKinds: listOf(text, MOST.spaceKinds),
});

const TO_DESTINATION: Readonly<Record<string, FieldsCheck>> = {
  open: fields({
    spaces: listOf(fields({ kind: text, bytes: whole(1), pageBytes: whole(1) }), MOST.spaces, 1),
    offers,
    channels: whole(1, MOST.pageChannels),
    populatedBytes: whole(),
    dense: listOf(fields({ page: whole(), pages: whole(1) }), MOST.denseRuns),
    populateFirst: flag,
    description: bytes(MOST.descriptionBytes),
    bootId: text,
    strategy: text,
  }),
  query: fields({ id: bytes(16, 16) }),
  clock: fields({ sentNs: clock }),
  round: fields({ sync: whole(1) }),
  switchover: fields({
    sync: whole(1),
    postCopy: flag,
    state: bytes(MOST.stateBytes),
    pausedAtNs: clock,
    running: flag,
  }),
  resume: fields({}),
  pushed: fields({ sync: whole(1) }),
  verify: fields({ observeMs: duration(MOST.observeMs), pages: whole() }),
  bye: fields({}),
  cancel: fields({ reason: text }),
  failed: fields({ code: text, message: text }),
  alive: fields({}),
};

const TO_SOURCE: Readonly<Record<string, FieldsCheck>> = {
  opened: fields({
    bootId: text,
    accepts: offers,
    faultPath: flag,
    faultPathReason: optional(text),
    maxStateBytes: whole(0, MOST.stateBytes),
    guestCallMs: duration(MOST.guestCallMs),
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

export const MESSAGES: Readonly<Record<Direction, Readonly<Record<string, FieldsCheck>>>> = {
  'to-destination': TO_DESTINATION,
  'to-source': TO_SOURCE,
};

/** Which section has the table with this direction's messages. */
export const SECTION_OF: Readonly<Record<Direction, string>> = {
  'to-destination': '3.1',
  'to-source': '3.2',
};
