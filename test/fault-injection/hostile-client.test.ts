/** A destination on an open port: whatever comes, it survives and serves the next. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DestinationOptions } from '../../src/destination/options.js';
import { binding } from '../../src/native/binding.js';
import { encodeFrame } from '../../src/protocol/framing.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { takeAnything } from '../support/any-guest.js';
import { closed } from '../support/closed.js';
import { Receiving, sourceFor } from '../support/destinations.js';
import { type Footprint, footprintOf, untilGivenBack } from '../support/footprint.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { seededRandom } from '../support/random.js';
import {
  type Entry,
  OFFERS,
  openMessage,
  pagesRecord,
  preamble,
  RawClient,
  syncRecord,
} from '../support/raw-client.js';
import { readExactly } from '../support/relay.js';
import { until } from '../support/until.js';

const PAGE_BYTES = 4096;
const {
  statuses,
  contents,
  version,
  maxEntries,
  maxPayloadBytes,
  optionalBit: OPTIONAL,
  preambleHeadBytes,
  preambleReplyBytes,
} = binding.protocolConstants();
const switchover = {
  type: 'switchover',
  sync: 1,
  postCopy: false,
  running: true,
  state: new Uint8Array(),
  pausedAtNs: 0n,
};

/** The threads that calls of the engine leave behind for the next call, and Node's own. */
const KEPT_THREADS = 16;

let everyones: Receiving;
let atFirst: Footprint;

beforeAll(async () => {
  everyones = await Receiving.listen({ createGuest: takeAnything });
  atFirst = footprintOf();
});

afterAll(() => everyones.close());

/**
 * The one destination that all peers of this file meet, one after the other, when it has given back what
 * the last one cost. With options: one of the test's own.
 */
async function start(options?: Partial<DestinationOptions>): Promise<Receiving> {
  if (options !== undefined) {
    return await Receiving.start({ createGuest: takeAnything, ...options });
  }
  await everyones.forget();
  await untilGivenBack(atFirst, { threads: KEPT_THREADS, residentBytes: 256 * MIB });
  return everyones;
}

describe('a connection that', () => {
  it('speaks HTTP is closed without a word', async () => {
    const receiving = await start();
    const client = await RawClient.connect(receiving.port);
    let heard = 0;
    client.socket.on('data', (chunk: Buffer) => {
      heard += chunk.byteLength;
    });
    client.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.closed();
    expect(heard).toBe(0);
    await until('a stranger is reported', () => receiving.strangers.length > 0);
    expect(receiving.strangers).toEqual(['speaks another protocol']);
  });

  it('sends random bytes is closed', async () => {
    const receiving = await start({});
    const random = seededRandom(1);
    for (let round = 0; round < 50; round += 1) {
      const client = await RawClient.connect(receiving.port);
      client.socket.write(
        Buffer.from(Array.from({ length: random.whole(1, 200) }, () => random.whole(0, 255))),
      );
      await client.closed();
    }
    expect(receiving.destination.migrations).toBe(0);
    await receiving.expectServesNext();
  });

  it('says nothing, or only half of its preamble, is in nobody’s way', async () => {
    const receiving = await start({});
    for (let i = 0; i < 20; i += 1) {
      await RawClient.connect(receiving.port);
      const half = await RawClient.connect(receiving.port);
      half.socket.write(preamble().subarray(0, 20));
    }
    await receiving.expectServesNext();
  });

  it('comes and goes at once is nothing to the next', async () => {
    const receiving = await start({});
    for (let i = 0; i < 50; i += 1) {
      const client = await RawClient.connect(receiving.port);
      client.socket.write(preamble());
      client.socket.resetAndDestroy();
    }
    await receiving.expectServesNext();
  });

  it('speaks a later version is told ours', async () => {
    const receiving = await start();
    const client = await RawClient.connect(receiving.port);
    expect(await client.introduce({ version: 9 })).toBe(statuses['version-not-supported']);
    await client.closed();
  });

  it('has a malformed preamble is closed', async () => {
    const receiving = await start();
    for (const [offset, value] of [
      [10, 0],
      [10, 4],
      [10, 255],
      [11, 2],
      [11, 128],
      [12, 1],
    ] as const) {
      const client = await RawClient.connect(receiving.port);
      const bytes = preamble();
      bytes[offset] = value;
      client.socket.write(bytes);
      await client.closed();
    }
  });

  it.each(['page', 'fault'] as const)('resumes a %s channel is closed', async (role) => {
    const receiving = await start();
    const client = await RawClient.connect(receiving.port);
    client.socket.write(preamble({ role, flags: 1 }));
    await client.closed();
  });

  it('speaks a version whose preamble is shorter is told ours before it has said all of it', async () => {
    const receiving = await start();
    const client = await RawClient.connect(receiving.port);
    client.socket.write(preamble({ version: 1 }).subarray(0, preambleHeadBytes));
    const answer = await readExactly(client.socket, preambleReplyBytes);
    expect(answer.readUInt16LE(8)).toBe(version);
    expect(answer.readUInt16LE(10)).toBe(statuses['version-not-supported']);
    await client.closed();
  });

  it('speaks a version whose preamble is longer hears our answer all the same', async () => {
    const receiving = await start();
    for (let round = 0; round < 20; round += 1) {
      const client = await RawClient.connect(receiving.port);
      client.socket.write(Buffer.concat([preamble({ version: 3 }), Buffer.alloc(200, 7)]));
      const answer = await readExactly(client.socket, preambleReplyBytes);
      expect(answer.readUInt16LE(10)).toBe(statuses['version-not-supported']);
      await client.closed();
    }
  });

  it.each(['page', 'fault'] as const)(
    'is a %s channel of no migration is turned away',
    async (role) => {
      const receiving = await start();
      const client = await RawClient.connect(receiving.port);
      expect(await client.introduce({ role })).toBe(statuses['unknown-migration']);
      await client.closed();
    },
  );

  it('is one migration too many is told so', async () => {
    const receiving = await start({ maxMigrations: 1 });
    const first = await RawClient.opened(receiving.port);
    const second = await RawClient.connect(receiving.port);
    expect(await second.introduce({})).toBe(statuses.busy);
    await second.closed();
    first.socket.destroy();
    await receiving.expectServesNext();
  });
});

describe('a control channel that', () => {
  it.each<[string, Buffer]>([
    ['sends text', Buffer.from('hello, is anybody there?')],
    ['announces four gigabytes', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0])],
    ['sends an empty message', Buffer.alloc(4)],
    [
      'nests lists without end',
      Buffer.concat([Buffer.from([0, 0, 1, 0]), Buffer.alloc(65_536, 0x91)]),
    ],
    ['announces a list of four billion', Buffer.from([5, 0, 0, 0, 0xdd, 0xff, 0xff, 0xff, 0xff])],
    ['announces a map of four billion', Buffer.from([5, 0, 0, 0, 0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['announces bytes that never come', Buffer.from([5, 0, 0, 0, 0xc6, 0xff, 0xff, 0xff, 0xff])],
  ])('%s is dropped', async (_what, bytes) => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.socket.write(bytes);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    await client.closed();
  });

  it('sends random frames is dropped, each time', async () => {
    const receiving = await start();
    const random = seededRandom(5);
    for (let round = 0; round < 30; round += 1) {
      const client = await RawClient.control(receiving.port);
      const body = Array.from({ length: random.whole(1, 100) }, () => random.whole(0, 255));
      client.socket.write(Buffer.from([body.length, 0, 0, 0, ...body]));
      expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    }
  });

  it('takes the id of a migration under way is turned away, and that one goes on', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    const { status } = await client.channel('control', 0);
    expect(status).toBe(statuses['id-in-use']);
    client.send({ type: 'clock', sentNs: 1n });
    await client.message('clocked');
  });

  it.each([
    { type: 'resume' },
    { type: 'bye' },
    { type: 'round', sync: 1 },
    { type: 'pushed', sync: 1 },
    { type: 'verify', observeMs: 0, pages: 4 },
    switchover,
  ])('begins with $type is dropped', async (message) => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.send(message);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL' });
  });

  it.each([
    openMessage(),
    { type: 'resume' },
    { type: 'bye' },
    { type: 'verify', observeMs: 0, pages: 4 },
    { type: 'pushed', sync: 1 },
  ])('sends $type right after open is dropped', async (message) => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    client.send(message);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });

  it('says what nobody needs to know is none the worse, before open and after', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    const compliments = { type: 'compliments', optional: true, of: new Uint8Array(200_000) };
    for (let i = 0; i < 100; i += 1) client.send(compliments);
    client.send(openMessage());
    await client.message('opened');
    for (let i = 0; i < 100; i += 1) client.send(compliments);
    client.send({ type: 'clock', sentNs: 1n });
    await client.message('clocked');
  });

  it('says what nobody needs to know, at too great length, is dropped', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.send({ type: 'compliments', optional: true, of: new Uint8Array(300_000) });
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });

  it('says everything at once, in the wrong order, is dropped', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    for (const message of [openMessage(), { type: 'resume' }, switchover, { type: 'bye' }])
      client.send(message);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });
});

describe('an open that', () => {
  const TIB = 2 ** 40;
  const space = (bytes: number, pageBytes = PAGE_BYTES, kind = 'ram') => ({
    kind,
    bytes,
    pageBytes,
  });
  /** All four pages of the guest. */
  const FULL = { populatedBytes: 4 * PAGE_BYTES };

  it.each<[string, object]>([
    ['asks for half a page', { spaces: [space(2048)] }],
    ['asks for nothing', { spaces: [space(0)] }],
    ['asks for a disk', { spaces: [space(PAGE_BYTES), space(PAGE_BYTES, PAGE_BYTES, 'disk')] }],
    ['offers no raw pages', { offers: { ...OFFERS, contents: ['zero', 'lz4'] } }],
    ['offers a thousand contents', { offers: { ...OFFERS, contents: Array(1000).fill('raw') } }],
    ['asks for huge pages', { spaces: [space(2 ** 21, 2 ** 21)] }],
    ['asks for pages of no bytes', { spaces: [space(4096, 0)] }],
    ['asks for a space that no address space holds', { spaces: [space(2 ** 52)] }],
    ['asks for 128 TiB', { spaces: [space(64 * TIB), space(64 * TIB)] }],
    ['asks for 60 TiB', { spaces: [space(60 * TIB)] }],
    [
      'asks for a TiB in each of 4096 spaces',
      { spaces: Array.from({ length: 4096 }, () => space(TIB)) },
    ],
    ['says that petabytes are populated', { populatedBytes: 2 ** 50 }],
    [
      'names a dense part that the guest does not have',
      { dense: [{ page: 3, pages: 2 }], ...FULL },
    ],
    [
      'names a dense part beyond every number',
      { dense: [{ page: 2 ** 53 - 1, pages: 2 ** 53 - 1 }], ...FULL },
    ],
    ['names an empty dense part', { dense: [{ page: 0, pages: 0 }], ...FULL }],
    [
      'names a page as dense twice',
      {
        dense: [
          { page: 0, pages: 2 },
          { page: 1, pages: 2 },
        ],
        ...FULL,
      },
    ],
    [
      'names more as dense than is populated',
      { dense: [{ page: 0, pages: 4 }], populatedBytes: 3 * PAGE_BYTES },
    ],
    [
      'names 257 dense parts',
      {
        dense: Array.from({ length: 257 }, (_, page) => ({ page, pages: 1 })),
        populatedBytes: 2 ** 40,
      },
    ],
    ['describes no guest of ours', { description: new Uint8Array(100).fill(200) }],
    ['describes a guest at great length', { description: new Uint8Array(20_000_000).fill(1) }],
  ])('%s is refused', async (_what, changes) => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.send(openMessage(4, changes));
    const failed = await client.message('failed');
    expect(['UNSUPPORTED', 'USAGE', 'DESTINATION_NO_MEMORY', 'NO_MEMORY', 'PROTOCOL']).toContain(
      failed['code'],
    );
    await receiving.nextDropped();
  });

  it('asks for terabytes of nothing harms nobody', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.send(openMessage(4, { spaces: [space(8 * TIB)] }));
    await until('an answer', () => client.messages.some(({ type }) => type !== 'alive'));
    client.socket.destroy();
    await receiving.nextDropped();
  });

  it('brings 4096 spaces of one page is taken', async () => {
    const receiving = await start();
    const spaces = Array.from({ length: 4096 }, () => space(PAGE_BYTES));
    const client = await RawClient.opened(receiving.port, 4, { spaces });
    client.socket.destroy();
  });

  it('is followed by nonsense in the same breath leaves no memory behind', async () => {
    const receiving = await start();
    const before = footprintOf();
    const client = await RawClient.control(receiving.port);
    client.socket.write(
      Buffer.concat([encodeFrame(openMessage()), encodeFrame({ type: 'nonsense' })]),
    );
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    await client.closed();
    await untilGivenBack(before, { threads: KEPT_THREADS });
  });

  it('exceeds the limit is refused with words about it', async () => {
    const receiving = await start({ memoryLimitBytes: 16 * MIB });
    const client = await RawClient.control(receiving.port);
    client.send(openMessage(100_000));
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_TOO_LARGE' });
    await receiving.nextDropped();
    await receiving.expectServesNext();
  });
});

describe('page and fault channels that', () => {
  it('have a number that was never agreed on are turned away', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port, 4, { channels: 2 });
    for (const channel of [2, 64, 999, 0xffff_ffff]) {
      expect((await client.channel('page', channel)).status).toBe(statuses['unknown-migration']);
    }
    await expect(client.channel('fault', 1)).rejects.toThrow('closed');
    expect((await client.channel('page', 1)).status).toBe(statuses.accepted);
    client.socket.destroy();
  });

  it('are there already are turned away', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    for (const role of ['page', 'fault'] as const) {
      expect((await client.channel(role, 0)).status).toBe(statuses.accepted);
      expect((await client.channel(role, 0)).status).toBe(statuses['unknown-migration']);
    }
  });

  it('come before open are turned away', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    expect((await client.channel('page', 0)).status).toBe(statuses['unknown-migration']);
  });
});

describe('a page channel that', () => {
  const page = new Uint8Array(PAGE_BYTES).fill(7);
  const none = new Uint8Array();
  const raw: Entry = { page: 0, pages: 1, content: contents.raw.id, payload: page };

  function header(type: number, entries: number, payloadBytes: number, value = 0): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(type, 0);
    bytes.writeUInt16LE(entries, 2);
    bytes.writeUInt32LE(payloadBytes, 4);
    bytes.writeBigUInt64LE(BigInt(value), 8);
    return bytes;
  }

  it.each<[string, Buffer]>([
    ['sends text', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['sends a record of an unknown type', header(9, 0, 0)],
    ['sends an optional record of too many entries', header(OPTIONAL | 9, maxEntries + 1, 0)],
    [
      'sends an optional record of too long a payload',
      header(OPTIONAL | 9, 0, maxPayloadBytes + 1),
    ],
    ['sends a request', header(3, 0, 0)],
    ['sends no entry', header(1, 0, 0)],
    ['sends too many entries', header(1, maxEntries + 1, 0)],
    ['sends too long a payload', header(1, 1, maxPayloadBytes + 1)],
    ['sends a sync with a payload', header(2, 0, 8, 1)],
    ['sends sync 2 before sync 1', syncRecord(2)],
    ['sends sync 0', syncRecord(0)],
    ['sends a page outside the memory', pagesRecord([{ ...raw, page: 4 }])],
    ['sends a page far outside the memory', pagesRecord([{ ...raw, page: 2 ** 52 }])],
    [
      'sends a run past the end',
      pagesRecord([{ ...raw, page: 3, pages: 2, payload: new Uint8Array(8192) }]),
    ],
    ['sends no pages in an entry', pagesRecord([{ ...raw, pages: 0, payload: none }])],
    ['sends an unknown content', pagesRecord([{ ...raw, content: 77 }])],
    ['sends a reserved byte', pagesRecord([{ ...raw, reserved: 1 }])],
    ['sends a record with a value', pagesRecord([raw], { value: 1 })],
    ['sends half a raw page', pagesRecord([{ ...raw, payload: page.subarray(2048) }])],
    ['sends a payload that its entries do not have', pagesRecord([raw], { payloadBytes: 4097 })],
    ['sends a zero page with content', pagesRecord([{ ...raw, content: contents.zero.id }])],
    [
      'sends lz4 of two pages',
      pagesRecord([{ ...raw, pages: 2, content: contents.lz4.id, payload: page.subarray(9) }]),
    ],
    ['sends lz4 as long as a page', pagesRecord([{ ...raw, content: contents.lz4.id }])],
    [
      'sends lz4 that is none',
      pagesRecord([{ ...raw, content: contents.lz4.id, payload: page.subarray(4000) }]),
    ],
    ['sends a page twice in a record', pagesRecord([raw, raw])],
    [
      'sends a page twice in a record, differently',
      pagesRecord([{ ...raw, content: contents.zero.id, payload: none }, raw]),
    ],
    [
      'sends a page and calls it missing in one record',
      pagesRecord([raw, { page: 0, pages: 4, content: contents.missing.id, payload: none }]),
    ],
    [
      'sends the pages of a record in descending order',
      pagesRecord([
        { ...raw, page: 3 },
        { ...raw, page: 2 },
      ]),
    ],
    [
      'sends half a bitmap',
      pagesRecord([
        { page: 0, pages: 4, content: contents.missing.id, payload: page.subarray(0, 2) },
      ]),
    ],
  ])('%s ends the migration', async (_what, bytes) => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    channel.socket.write(bytes);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    await channel.closed();
  });

  it('sends random records ends the migration, each time', async () => {
    const receiving = await start();
    const random = seededRandom(11);
    for (let round = 0; round < 20; round += 1) {
      const client = await RawClient.opened(receiving.port);
      const { client: channel } = await client.channel('page', 0);
      const entries = Array.from({ length: random.whole(1, 3) }, () => ({
        page: random.pick([0, 1, 3, 4, 2 ** 40]),
        pages: random.pick([0, 1, 4, 65_535]),
        content: random.pick([0, 1, 2, 3, 255]),
        payload: new Uint8Array(random.pick([0, 1, 4095, 4096, 16_384])).fill(random.whole(0, 255)),
      }));
      channel.socket.write(Buffer.concat([pagesRecord(entries), Buffer.alloc(64, 0xee)]));
      expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
    }
  });

  it('sends optional records that nobody knows is none the worse', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    // The types of records that are known are others with the bit.
    const records = [9, 1, 2, 3, 0x7fff].flatMap((type) => [
      header(OPTIONAL | type, 0, 0, 5),
      Buffer.concat([header(OPTIONAL | type, 3, 70_000), Buffer.alloc(3 * 16 + 70_000, 0x66)]),
    ]);
    const most = header(OPTIONAL | 9, maxEntries, maxPayloadBytes);
    const filler = Buffer.alloc(maxEntries * 16 + maxPayloadBytes, 1);
    for (const record of [...records, most, filler, pagesRecord([raw]), syncRecord(1)]) {
      channel.socket.write(record);
    }
    client.send({ type: 'round', sync: 1 });
    expect(await client.message('rounded')).toMatchObject({ sync: 1, pages: 1 });
  });

  it.each(['lz4', 'missing'] as const)(
    'sends %s, which was not accepted, ends the migration',
    async (name) => {
      const receiving = await start();
      const accepted = OFFERS.contents.filter((one) => one !== name);
      const offers = { ...OFFERS, contents: accepted };
      const client = await RawClient.opened(receiving.port, 4, { offers });
      expect(await client.message('opened')).toMatchObject({ accepts: { contents: accepted } });
      const { client: channel } = await client.channel('page', 0);
      const payload = name === 'lz4' ? page.subarray(4000) : none;
      channel.socket.write(pagesRecord([{ ...raw, content: contents[name].id, payload }]));
      const { code, message } = await receiving.nextDropped();
      expect({ code, message }).toMatchObject({
        code: 'PROTOCOL',
        message: expect.stringContaining('was not accepted'),
      });
    },
  );

  it('sends the same page a thousand times is taken at its word', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    for (let i = 0; i < 1000; i += 1) channel.socket.write(pagesRecord([raw]));
    channel.socket.write(syncRecord(1));
    client.send({ type: 'round', sync: 1 });
    expect(await client.message('rounded')).toMatchObject({ sync: 1, pages: 1000 });
  });
});

describe('a switchover', () => {
  it.concurrent('to a sync that never comes is given up after the stall timeout', async () => {
    const receiving = await start({ stallMs: 2500 });
    const client = await RawClient.opened(receiving.port);
    await client.channel('page', 0);
    const beat = setInterval(() => client.send({ type: 'alive' }), 500);
    client.send({ ...switchover, sync: 7 });
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PEER_SILENT' });
    clearInterval(beat);
    await receiving.expectServesNext();
  });

  it.concurrent('without its page channels is given up after the stall timeout', async () => {
    const receiving = await start({ stallMs: 2500 });
    const client = await RawClient.opened(receiving.port);
    const beat = setInterval(() => client.send({ type: 'alive' }), 500);
    client.send(switchover);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PEER_SILENT' });
    clearInterval(beat);
    await receiving.expectServesNext();
  });

  async function atSwitchover(receiving: Receiving, changes: object): Promise<RawClient> {
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    channel.socket.write(syncRecord(1));
    client.send({ ...switchover, ...changes });
    return client;
  }

  it('to post-copy without a fault channel is a breach of protocol', async () => {
    const receiving = await start();
    await atSwitchover(receiving, { postCopy: true });
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });

  it('with a state that the guest does not take is refused', async () => {
    const receiving = await start();
    const client = await atSwitchover(receiving, { state: Uint8Array.of(9) });
    expect((await client.message('failed'))['message']).toContain('this state is not mine');
    await receiving.nextDropped();
  });

  it('is over before a fault channel comes, which is closed', async () => {
    const receiving = await start();
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    client.send(switchover);
    const { client: fault } = await client.channel('fault', 0);
    channel.socket.write(syncRecord(1));
    await client.message('ready');
    await fault.closed(5000);
    client.send({ type: 'cancel', reason: 'enough' });
    await receiving.nextDropped();
  });

  it('twice is a breach of protocol', async () => {
    const receiving = await start();
    const client = await atSwitchover(receiving, {});
    await client.message('ready');
    client.send(switchover);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });

  it('and a resume run the guest, whatever comes after', async () => {
    const receiving = await start();
    const client = await atSwitchover(receiving, {});
    await client.message('ready');
    client.send({ type: 'resume' });
    await client.message('complete');
    client.send({ type: 'resume' });
    expect((await receiving.nextArrived()).memory.bytes).toBe(4 * PAGE_BYTES);
  });

  it.each([
    { type: 'cancel', reason: 'too late' },
    { type: 'failed', code: 'INTERNAL', message: 'too late' },
  ])('and a resume run the guest, and $type has no meaning any more', async (message) => {
    const receiving = await start();
    const client = await atSwitchover(receiving, {});
    await client.message('ready');
    client.send({ type: 'resume' });
    await client.message('complete');
    client.send(message);
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL', neverRan: false });
    expect((await receiving.nextArrived()).memory.bytes).toBe(4 * PAGE_BYTES);
  });

  it('with a gigantic time of the pause harms nobody', async () => {
    const receiving = await start();
    for (const pausedAtNs of [2n ** 63n, 2n ** 64n - 1n]) {
      const client = await atSwitchover(receiving, { pausedAtNs });
      await client.message('ready');
      client.send({ type: 'resume' });
      await client.message('complete');
      client.send({ type: 'bye' });
      await receiving.nextArrived();
    }
  });
});

describe('a fault channel that', () => {
  // The memory of a guest that is lost is held for good: it stays, blocked, until its process ends.
  afterAll(() => {
    atFirst = footprintOf();
  });

  async function servingClient(receiving: Receiving) {
    const client = await RawClient.opened(receiving.port);
    const { client: channel } = await client.channel('page', 0);
    const { client: fault } = await client.channel('fault', 0);
    const missing = { page: 0, pages: 4, content: contents.missing.id, payload: new Uint8Array() };
    channel.socket.write(Buffer.concat([pagesRecord([missing]), syncRecord(1)]));
    client.send({ ...switchover, postCopy: true });
    await client.message('ready');
    client.send({ type: 'resume' });
    await client.message('running');
    return { client, channel, fault };
  }

  it('answers what nobody asked ends the migration', async () => {
    const receiving = await start({});
    const { fault } = await servingClient(receiving);
    fault.socket.write(
      pagesRecord([
        { page: 0, pages: 1, content: contents.raw.id, payload: new Uint8Array(PAGE_BYTES) },
      ]),
    );
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    await receiving.expectServesNext();
  });

  it('sends garbage ends the migration', async () => {
    const receiving = await start({});
    const { fault } = await servingClient(receiving);
    fault.socket.write(Buffer.alloc(64, 0x55));
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    await receiving.expectServesNext();
  });

  it('belongs to a source that claims to have pushed all, and has not, ends the migration', async () => {
    const receiving = await start({});
    const { client, channel } = await servingClient(receiving);
    channel.socket.write(syncRecord(2));
    client.send({ type: 'pushed', sync: 2 });
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL' });
    await receiving.expectServesNext();
  });
});

describe('in all this, a migration under way', () => {
  it('is not disturbed', async () => {
    const receiving = await start();
    const guest = await startGuest();
    const source = sourceFor(guest, receiving.port, {
      strategy: 'hybrid',
      bandwidthBytesPerSecond: 16 << 20,
    });
    const migration = source.migrate();
    for (let i = 0; i < 20; i += 1) {
      const client = await RawClient.control(receiving.port);
      client.socket.write(Buffer.alloc(100, 0xff - i));
      await closed(client.socket);
    }
    expect(await migration).toMatchObject({ guestVerified: true });
    await expectUnharmed(await receiving.nextArrived());
  });
});

describe('after all this', () => {
  it.each(STRATEGY_NAMES)('an honest guest moves there by %s', async (strategy) => {
    await (await start()).expectServesNext(strategy);
  });
});
