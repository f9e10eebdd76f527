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

/** One valid message of each type that a source sends, by type. */
const fromSource: Readonly<Record<keyof typeof sourceSchemas, Fields>> = {
  open: {
    regions: [{ bytes: 8192, pageBytes: 4096 }],
    channels: 2,
    populatedBytes: 4096,
    dense: [{ page: 0, pages: 1 }],
    populateFirst: true,
    description: bytes,
    bootId: 'b',
    strategy: 'pre-copy',
  },
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
    faultPath: true,
    faultPathReason: '',
    maxStateBytes: 1024,
    guestCallMs: 30_000,
  },
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

  it('needs a region, and takes no more than 4096', () => {
    const region = { bytes: 4096, pageBytes: 4096 };
    expect(open({ regions: [] })).toThrow(MessageRefused);
    expect(open({ regions: Array.from({ length: 4097 }, () => region) })).toThrow(MessageRefused);
    expect(open({ regions: Array.from({ length: 4096 }, () => region) })).not.toThrow();
  });

  it.each([{ bytes: 4096 }, { pageBytes: 4096 }, { bytes: -4096, pageBytes: 4096 }, 4096, null])(
    'may not describe a region as %j',
    (region) => {
      expect(open({ regions: [region] })).toThrow(MessageRefused);
    },
  );

  it.each([[1, 2, 3], 'abc', { 0: 1 }])('may not carry %j for bytes', (description) => {
    expect(open({ description })).toThrow(MessageRefused);
  });

  it('is taken with a novel where a name is due, of which the beginning is kept', () => {
    expect(open({ strategy: 'x'.repeat(4096) })()).toMatchObject({ strategy: 'x'.repeat(4096) });
    const cut = `${'x'.repeat(4095)}…`;
    expect(open({ strategy: 'x'.repeat(4097) })()).toMatchObject({ strategy: cut });
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
