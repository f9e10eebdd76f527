import { describe, expect, it } from 'vitest';
import {
  type destinationSchemas,
  MessageRefused,
  parseDestinationMessage,
  parseSourceMessage,
  type sourceSchemas,
} from '../../src/protocol/messages.js';

type Fields = Readonly<Record<string, unknown>>;

const latency = { p50: 1.5, p99: 2, p999: 3, max: 4 };
const bytes = new Uint8Array([1, 2, 3]);
const offers = { contents: ['raw', 'zero'], spaceKinds: ['ram'] };

/** One valid message of each type that a source sends, by type. */
const fromSource: Readonly<Record<keyof typeof sourceSchemas, Fields>> = {
  open: {
    spaces: [{ kind: 'ram', bytes: 8192, pageBytes: 4096 }],
    offers,
    channels: 2,
    populatedBytes: 4096,
    dense: [{ page: 0, pages: 1 }],
    populateFirst: true,
    description: bytes,
    bootId: 'b',
    strategy: 'pre-copy',
  },
  query: { id: new Uint8Array(16) },
  clock: { sentNs: 5n },
  round: { sync: 1 },
  switchover: { sync: 1, postCopy: false, state: bytes, pausedAtNs: 7n, running: true },
  resume: {},
  pushed: { sync: 2 },
  verify: { observeMs: 0.5, pages: 4 },
  bye: {},
  cancel: { reason: 'why not' },
  failed: { code: 'INTERNAL', message: 'oh' },
  alive: {},
};

const fromDestination: Readonly<Record<keyof typeof destinationSchemas, Fields>> = {
  opened: {
    bootId: 'b',
    accepts: offers,
    faultPath: true,
    faultPathReason: '',
    maxStateBytes: 1024,
    guestCallMs: 30_000,
  },
  outcome: { state: 'failed', code: 'GUEST_FAILED', sinceMs: 0.5 },
  clocked: { sentNs: 5n, nowNs: 6n },
  rounded: { sync: 1, pages: 10 },
  ready: {},
  running: { resumedAtNs: 9n, loadStateMs: 0.1, resumeMs: 0.2 },
  complete: {
    demandFaults: 3,
    demandFaultsOverNetwork: 2,
    faultLatencyUs: latency,
    pagesReceived: 10,
    duplicatePages: 0,
    completedAtNs: 11n,
    guest: { operations: 5, longestGapMs: 1.5 },
  },
  verified: {
    verification: { pagesCompared: 1, pagesDifferent: 0, firstDifferentPage: null, failedReads: 0 },
    guest: { opsPerSecond: 1e6 },
  },
  failed: { code: 'INTERNAL', message: 'oh', neverRan: true },
  alive: {},
};

const OPTIONAL = ['opened.faultPathReason'];

const messages = [
  ...Object.entries(fromSource).map(([type, fields]) => ({
    side: 'source',
    type,
    fields,
    parse: parseSourceMessage as (value: unknown) => unknown,
  })),
  ...Object.entries(fromDestination).map(([type, fields]) => ({
    side: 'destination',
    type,
    fields,
    parse: parseDestinationMessage as (value: unknown) => unknown,
  })),
];

const fields = messages.flatMap((message) =>
  Object.keys(message.fields).map((field) => ({ ...message, field })),
);

function without(message: Fields, field: string): Fields {
  return Object.fromEntries(Object.entries(message).filter(([key]) => key !== field));
}

describe.each(messages)('$type of the $side', ({ type, fields: valid, parse }) => {
  it('is taken when every field is right', () => {
    expect(parse({ type, ...valid })).toEqual({ type, ...valid });
  });

  it('may carry a field that a later release adds', () => {
    expect(parse({ type, ...valid, later: 1 })).toEqual({ type, ...valid });
  });
});

describe.each(fields)('$field in $type of the $side', ({ type, field, fields: valid, parse }) => {
  it.skipIf(OPTIONAL.includes(`${type}.${field}`))('is missed when it is missing', () => {
    expect(() => parse({ type, ...without(valid, field) })).toThrow(MessageRefused);
    expect(() => parse({ type, ...without(valid, field) })).toThrow(`message ${type}: ${field}`);
  });

  it.each([
    ['a symbol of nothing', undefined],
    ['a function name', () => 1],
    ['a list in a list', [[1]]],
  ])('may not be %s', (_what, wrong) => {
    if (wrong === undefined && OPTIONAL.includes(`${type}.${field}`)) return;
    expect(() => parse({ type, ...valid, [field]: wrong })).toThrow(MessageRefused);
  });
});

const counts = [
  [fromSource.round, 'round', 'sync', parseSourceMessage],
  [fromSource.pushed, 'pushed', 'sync', parseSourceMessage],
  [fromSource.open, 'open', 'channels', parseSourceMessage],
  [fromSource.open, 'open', 'populatedBytes', parseSourceMessage],
  [fromDestination.rounded, 'rounded', 'pages', parseDestinationMessage],
  [fromDestination.complete, 'complete', 'demandFaults', parseDestinationMessage],
] as const;

describe.each(counts)('a count', (valid, type, field, parse) => {
  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', 1n, null])(
    `may not be %s (${type}.${field})`,
    (wrong) => {
      expect(() => parse({ type, ...valid, [field]: wrong })).toThrow(MessageRefused);
    },
  );
});

describe('open', () => {
  const open = (changes: Fields) => () =>
    parseSourceMessage({ type: 'open', ...fromSource.open, ...changes });

  it.each([0, 65, 1000])('may not ask for %i channels', (channels) => {
    expect(open({ channels })).toThrow(MessageRefused);
  });

  it('needs a space, and takes no more than 4096', () => {
    const space = { kind: 'ram', bytes: 4096, pageBytes: 4096 };
    expect(open({ spaces: [] })).toThrow(MessageRefused);
    expect(open({ spaces: Array.from({ length: 4097 }, () => space) })).toThrow(MessageRefused);
    expect(open({ spaces: Array.from({ length: 4096 }, () => space) })).not.toThrow();
  });

  it.each([
    { kind: 'ram', bytes: 4096 },
    { kind: 'ram', pageBytes: 4096 },
    { bytes: 4096, pageBytes: 4096 },
    { kind: 'ram', bytes: -4096, pageBytes: 4096 },
    4096,
    null,
  ])('may not describe a space as %j', (space) => {
    expect(open({ spaces: [space] })).toThrow(MessageRefused);
  });

  it('may offer what nobody knows, 256 contents and 16 kinds of space at most', () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => `later-${at}`);
    const offering = (changes: Fields) => open({ offers: { ...offers, ...changes } });
    expect(offering({ contents: names(256), spaceKinds: names(16) })).not.toThrow();
    expect(offering({ contents: names(257) })).toThrow(MessageRefused);
    expect(offering({ spaceKinds: names(17) })).toThrow(MessageRefused);
    expect(offering({ contents: [1] })).toThrow(MessageRefused);
  });

  it.each([[1, 2, 3], 'abc', { 0: 1 }])('may not carry %j for bytes', (description) => {
    expect(open({ description })).toThrow(MessageRefused);
  });

  it('is taken with a novel where a name is due, of which the beginning is kept', () => {
    expect(open({ strategy: 'x'.repeat(4096) })()).toMatchObject({ strategy: 'x'.repeat(4096) });
    const cut = `${'x'.repeat(4095)}…`;
    expect(open({ strategy: 'x'.repeat(4097) })()).toMatchObject({ strategy: cut });
  });
});

describe('query', () => {
  it.each([0, 15, 17, 1000])('may not ask for an id of %i bytes', (length) => {
    const query = { type: 'query', id: new Uint8Array(length) };
    expect(() => parseSourceMessage(query)).toThrow('must be a migration id');
  });
});

describe('outcome', () => {
  it('may not be a state that is none', () => {
    const outcome = { type: 'outcome', ...fromDestination.outcome, state: 'splendid' };
    expect(() => parseDestinationMessage(outcome)).toThrow(MessageRefused);
  });
});

describe('an optional message', () => {
  it('of a type that nobody knows is skipped', () => {
    const message = { type: 'compliments', optional: true, of: 'the season' };
    expect(parseSourceMessage(message)).toBeUndefined();
    expect(parseDestinationMessage(message)).toBeUndefined();
  });

  it.each([false, undefined, 1, 'true', null])(
    'does not call itself optional by %j',
    (optional) => {
      expect(() => parseSourceMessage({ type: 'compliments', optional })).toThrow(MessageRefused);
    },
  );

  it('needs a type all the same', () => {
    expect(() => parseSourceMessage({ optional: true })).toThrow(MessageRefused);
    expect(() => parseSourceMessage({ type: 5, optional: true })).toThrow(MessageRefused);
  });

  it('of a type that is known is held against its schema', () => {
    expect(() => parseSourceMessage({ type: 'round', optional: true })).toThrow('message round');
  });
});

describe('a clock reading', () => {
  it('is a bigint, however it was encoded', () => {
    expect(parseSourceMessage({ type: 'clock', sentNs: 5 })).toEqual({ type: 'clock', sentNs: 5n });
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])('may not be %s', (sentNs) => {
    expect(() => parseSourceMessage({ type: 'clock', sentNs })).toThrow(MessageRefused);
  });
});

describe('optional figures', () => {
  it('may be absent from a guest that has none', () => {
    expect(() =>
      parseDestinationMessage({ type: 'complete', ...fromDestination.complete, guest: null }),
    ).not.toThrow();
    expect(() =>
      parseDestinationMessage({ type: 'verified', verification: null, guest: null }),
    ).not.toThrow();
  });

  it('has an empty reason where none is given', () => {
    const { faultPathReason: _, ...opened } = fromDestination.opened;
    expect(parseDestinationMessage({ type: 'opened', ...opened })).toMatchObject({
      faultPathReason: '',
    });
  });
});

describe('what is no message', () => {
  it.each([
    undefined,
    null,
    5,
    'resume',
    [],
    {},
    { type: 5 },
    { type: 'toString' },
    { type: '__proto__' },
  ])('is refused: %j', (value) => {
    expect(() => parseSourceMessage(value)).toThrow(MessageRefused);
    expect(() => parseDestinationMessage(value)).toThrow(MessageRefused);
  });

  it('is refused from the side that may not send it', () => {
    expect(() => parseSourceMessage({ type: 'ready' })).toThrow('unknown message "ready"');
    expect(() => parseDestinationMessage({ type: 'resume' })).toThrow('unknown message "resume"');
  });
});
