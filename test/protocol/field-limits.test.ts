/**
 * Every field of every control message at its limits and one past them. The fields and their limits are read off the
 * schemas that the protocol checks with, so that a field which is added is here too.
 */
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/conformance/message-pack.js';
import { MESSAGES } from '../../src/conformance/messages.js';
import {
  destinationSchemas,
  MAX_TEXT,
  MessageRefused,
  parseDestinationMessage,
  parseSourceMessage,
  sourceSchemas,
} from '../../src/protocol/messages.js';
import type { Message } from '../fuzz/schema-values.js';
import { Receiving } from '../support/destinations.js';
import { footprintOf, untilGivenBack } from '../support/footprint.js';
import { MIB } from '../support/guests.js';
import { openMessage, RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';
import { type FieldLimit, limitsOf } from './field-limits.js';

const SIDES = [
  { side: 'source', schemas: sourceSchemas, parse: parseSourceMessage },
  { side: 'destination', schemas: destinationSchemas, parse: parseDestinationMessage },
] as const;

interface Case extends FieldLimit {
  readonly side: string;
  readonly type: string;
  readonly parse: (value: unknown) => unknown;
}

const cases: readonly Case[] = SIDES.flatMap(({ side, schemas, parse }) =>
  Object.entries(schemas).flatMap(([type, schema]) =>
    limitsOf(schema).map((limit) => ({ side, type, parse, ...limit })),
  ),
);
const withPast = cases.filter(({ past }) => past.length > 0);

describe.each(cases)('$field of $type of the $side', ({ at, parse }) => {
  it.each(at)('is taken at its limit: %s', (_what, message) => {
    expect(parse(message)).toMatchObject({ type: message.type });
  });
});

describe.each(withPast)('$field of $type of the $side', ({ past, parse, type, field }) => {
  it.each(past)('is refused one past it, by name and in one short line: %s', (_what, message) => {
    const refused = refusalOf(parse, message);
    expect(refused).toBeInstanceOf(MessageRefused);
    expect(refused?.message).toMatch(new RegExp(`^message ${type}: ${field}\\b`));
    expectShortLine(refused?.message ?? '');
  });
});

it('has limits for every kind of field that has one', () => {
  const fields = cases.map(({ type, field }) => `${type}.${field}`);
  expect(fields).toEqual(
    expect.arrayContaining(['open.spaces', 'open.spaces.0.bytes', 'open.offers.contents']),
  );
  expect(fields).toEqual(
    expect.arrayContaining(['query.id', 'opened.guestCallMs', 'clock.sentNs']),
  );
});

/** A text that is too long is taken here and cut, and is a fault of who sent it. */
const isCut = (what: string) => what === `a text of ${MAX_TEXT + 1}`;

describe.each(cases)(
  '$field of $type of the $side, to who shares no code',
  ({ side, type, at, past }) => {
    const check = MESSAGES[side === 'source' ? 'to-destination' : 'to-source'][type];
    const complaintOn = (message: Message) => check?.(asDecoded(message), '')?.field;

    it('has the same limits', () => {
      expect(at.filter(([what, message]) => !isCut(what) && complaintOn(message))).toEqual([]);
      expect(past.filter(([, message]) => !complaintOn(message))).toEqual([]);
    });
  },
);

/** As the reader of captures decodes it. */
function asDecoded(value: unknown): Value {
  if (Array.isArray(value)) return value.map(asDecoded);
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
    return value as Value;
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return new Map(entries.map(([name, one]) => [name, asDecoded(one)]));
}

function refusalOf(parse: Case['parse'], message: Message): Error | undefined {
  try {
    parse(message);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function expectOneLine(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\u0000-\u001f\u007f]/);
}

function expectShortLine(text: string): void {
  expectOneLine(text);
  expect(text.length).toBeLessThan(300);
}

describe('a destination', () => {
  const past = withPast.filter(({ side }) => side === 'source').flatMap((one) => one.past);

  it('refuses each of them with PROTOCOL in one short line, and nothing is left of it', async () => {
    const receiving = await Receiving.start();
    const before = footprintOf();
    // What no encoding carries comes to the schema alone.
    const sent = past.filter(([what]) => what !== String(2n ** 64n));
    expect(sent.length).toBeGreaterThan(20);
    for (const [, message] of sent) {
      const client = await RawClient.control(receiving.port);
      client.send(message);
      const failed = await client.message('failed');
      expect(failed).toMatchObject({ code: 'PROTOCOL', neverRan: true });
      expectShortLine(String(failed['message']));
      client.socket.destroy();
    }
    await until('no migration is under way', () => receiving.destination.migrations === 0);
    expect(receiving.dropped).toHaveLength(sent.length);
    await untilGivenBack(before, { threads: 16, residentBytes: 64 * MIB });
  });

  it('tells in one line what is wrong with a message that is full of lines', async () => {
    const receiving = await Receiving.start();
    const client = await RawClient.control(receiving.port);
    client.send({ ...openMessage(), dense: 'one\ntwo\u001b[2J'.repeat(1000) });
    await client.message('failed');
    expectShortLine((await receiving.nextDropped()).message);
    const other = await RawClient.control(receiving.port);
    other.send({ type: 'cancel', reason: 'enough\nof\u001b[2Jthis' });
    expectOneLine((await receiving.nextDropped()).message);
  });
});

it('a list that is wrong from its beginning is looked at no further, however long it is', () => {
  const looked = new Set<string>();
  const dense = new Proxy(Array<number>(1000).fill(1), {
    get: (list, key, receiver) => {
      if (/^\d+$/.test(String(key))) looked.add(String(key));
      return Reflect.get(list, key, receiver);
    },
  });
  expect(refusalOf(parseSourceMessage, { ...openMessage(), dense })).toBeInstanceOf(MessageRefused);
  expect([...looked]).toEqual(['0']);
});
