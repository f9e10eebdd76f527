/** Each rule of docs/protocol.md that can be seen from bytes, broken once, by hand. */
import { describe, expect, it } from 'vitest';
import {
  after,
  before,
  both,
  type Change,
  flipped,
  indexOf,
  moved,
  replaced,
  said,
  without,
} from './changes.js';
import {
  answer,
  captureOf,
  check,
  destination,
  type EntryFields,
  frame,
  type Item,
  item,
  lz4Block,
  OPEN,
  OPENED,
  onPage,
  preamble,
  raw,
  record,
  request,
  rightMigration,
  STRIPE_1,
  SWITCHOVER,
  source,
  sync,
} from './handmade-capture.js';

/** In the first round on page channel 0. */
function entries(...list: EntryFields[]): Change {
  return replaced('round 0 on page 0', record({ entries: list }));
}

const ofFault = (name: string, bytes: Buffer, way: Item['way'] = 'to-destination') =>
  item(name, 'fault', 0, way, bytes);
const lz4Of = (payload: Buffer): EntryFields => ({ page: 9, content: 'lz4', payload });

/** Name, the section and the channel that must be named, what the complaint must say, and the change. */
const VIOLATIONS: readonly (readonly [string, string, string, RegExp, Change])[] = [
  // 1: connections
  ['another magic', '1.1', 'control', /magic/, flipped('control preamble', 0, 0x48)],
  [
    'version 1',
    '1.1',
    'control',
    /version 2/,
    replaced('control preamble', preamble('control', 0, { version: 1 })),
  ],
  [
    'the role of another channel',
    '1.1',
    'page 0',
    /role 2/,
    replaced('page 0 preamble', preamble('page', 0, { role: 3 })),
  ],
  [
    'a reserved flag',
    '1.1',
    'control',
    /flags/,
    replaced('control preamble', preamble('control', 0, { flags: 2 })),
  ],
  [
    'resume on a page channel',
    '1.1',
    'page 1',
    /flags/,
    replaced('page 1 preamble', preamble('page', 1, { flags: 1 })),
  ],
  [
    'a channel number on the fault channel',
    '1.1',
    'fault',
    /channel 0/,
    replaced('fault preamble', preamble('fault', 0, { channel: 1 })),
  ],
  [
    'another migration id on a page channel',
    '1.1',
    'page 1',
    /migration 0011/,
    replaced('page 1 preamble', preamble('page', 1, { id: Buffer.alloc(16, 9) })),
  ],
  [
    'other features on a page channel',
    '1.3',
    'page 0',
    /features 1/,
    replaced('page 0 preamble', preamble('page', 0, { features: 3n })),
  ],
  [
    'an answer with reserved bytes',
    '1.1',
    'page 0',
    /reserved/,
    replaced('page 0 answer', answer(0, { reserved: 1 })),
  ],
  [
    'an answer with a status that there is not',
    '1.1',
    'page 1',
    /status/,
    replaced('page 1 answer', answer(9)),
  ],
  [
    'a resume that is accepted',
    '1.2',
    'control',
    /resume/,
    replaced('control preamble', preamble('control', 0, { flags: 1 })),
  ],
  [
    'an answer before the preamble',
    '1.1',
    'control',
    /after the preamble/,
    moved('control preamble', 'control answer'),
  ],
  [
    'open before the channel is accepted',
    '5',
    'control',
    /before the channel is accepted/,
    moved('control answer', 'open'),
  ],
  [
    'a page channel before opened',
    '1.1',
    'page 0',
    /before opened/,
    moved('page 0 preamble', 'open'),
  ],
  [
    'a record before all channels are accepted',
    '1.1',
    'page 0',
    /on fault/,
    moved('fault answer', 'round 0 on page 0'),
  ],
  [
    'more page channels than open says',
    '1.1',
    'page 1',
    /page channels 0 to 0/,
    both(said({ ...OPEN, channels: 1 })),
  ],
  [
    'bytes back on a page channel',
    '2',
    'page 0',
    /nothing here/,
    after('sync 1 on page 0', item('', 'page', 0, 'to-source', Buffer.from('x'))),
  ],

  // 2: records
  [
    'a mandatory record that nobody knows',
    '2',
    'page 0',
    /type 7/,
    after('round 0 on page 0', onPage(0, record({ type: 7 }))),
  ],
  [
    'a request on a page channel',
    '2',
    'page 0',
    /type 3/,
    after('round 0 on page 0', onPage(0, record({ type: 3 }))),
  ],
  [
    'a sync on the fault channel',
    '2',
    'fault',
    /a pages record/,
    before('request 0', ofFault('', sync(1))),
  ],
  [
    'a sync among the requests',
    '2',
    'fault',
    /a request; type 2/,
    before('request 0', ofFault('', sync(1), 'to-source')),
  ],
  [
    'more than 512 entries',
    '2',
    'page 0',
    /512 entries/,
    after('round 0 on page 0', onPage(0, record({ entryCount: 513 }))),
  ],
  [
    'more than 4 MiB of payload, of an optional record too',
    '2',
    'page 0',
    /4194304/,
    after('round 0 on page 0', onPage(0, record({ type: 0x8009, payloadBytes: 4_194_305 }))),
  ],
  [
    'a pages record without entries',
    '2',
    'page 0',
    /1 to 512/,
    after('round 0 on page 0', onPage(0, record({}))),
  ],
  [
    'a pages record with a value',
    '2',
    'page 0',
    /value 0/,
    replaced('round 0 on page 0', record({ value: 1, entries: [{ page: 0, content: 'zero' }] })),
  ],
  [
    'a sync with a payload',
    '2',
    'page 0',
    /no entries and no payload/,
    replaced('sync 1 on page 0', record({ type: 2, value: 1, payloadBytes: 1 })),
  ],
  [
    'a sync that leaves a number out',
    '2',
    'page 1',
    /sync 1/,
    replaced('sync 1 on page 1', sync(2)),
  ],
  [
    'a sync that is sent twice',
    '2',
    'page 1',
    /sync 2/,
    after('sync 1 on page 1', onPage(1, sync(1))),
  ],
  [
    'a record that is not whole',
    '2',
    'page 1',
    /a whole record/,
    replaced('sync 3 on page 1', Buffer.concat([sync(3), Buffer.alloc(7)])),
  ],

  // 2.1 and 2.2: entries
  [
    'a reserved byte of an entry',
    '2.1',
    'page 0',
    /reserved/,
    entries({ page: 0, content: 'zero', reserved: 1 }),
  ],
  [
    'an entry of no pages',
    '2.1',
    'page 0',
    /1 to 65535/,
    entries({ page: 0, content: 'zero', pages: 0 }),
  ],
  ['a content that there is not', '2.1', 'page 0', /content/, entries({ page: 0, content: 3 })],
  [
    'raw pages that are short',
    '2.1',
    'page 0',
    /8192 bytes of raw/,
    entries({ page: 0, content: 'raw', pages: 2, payload: raw() }),
  ],
  [
    'zero pages with a payload',
    '2.1',
    'page 0',
    /no bytes of zero/,
    entries({ page: 0, content: 'zero', payload: raw() }),
  ],
  [
    'an lz4 entry of two pages',
    '2.1',
    'page 0',
    /of one page/,
    entries({ ...lz4Of(lz4Block()), pages: 2 }),
  ],
  ['an lz4 block as long as a page', '2.1', 'page 0', /1 to 4095/, entries(lz4Of(raw()))],
  ['an lz4 block without bytes', '2.1', 'page 0', /1 to 4095/, entries(lz4Of(Buffer.alloc(0)))],
  [
    'an lz4 block that decodes to less than a page',
    '2.1',
    'page 0',
    /LZ4 block of 4096/,
    entries(lz4Of(Buffer.from([0x10, 1]))),
  ],
  [
    'an lz4 block that refers to bytes before the page',
    '2.1',
    'page 0',
    /LZ4 block of 4096/,
    entries(lz4Of(Buffer.from([0x1f, 1, 9, 0, 0, 0]))),
  ],
  [
    'a bitmap that is too long',
    '2.1',
    'page 1',
    /0 or 1 bytes of bitmap/,
    replaced(
      'missing on page 1',
      record({ entries: [{ page: STRIPE_1, content: 'missing', payload: Buffer.alloc(2) }] }),
    ),
  ],
  [
    'a payload that is not the sum of its entries',
    '2.1',
    'page 0',
    /payload of 4096/,
    replaced(
      'round 0 on page 0',
      record({ payloadBytes: 4097, entries: [{ page: 0, content: 'raw', payload: raw() }] }),
    ),
  ],
  [
    'entries that do not ascend',
    '2.1',
    'page 0',
    /from 6 on/,
    entries({ page: 5, content: 'zero' }, { page: 4, content: 'zero' }),
  ],
  [
    'entries that overlap',
    '2.1',
    'page 0',
    /from 7 on/,
    entries({ page: 5, content: 'zero', pages: 2 }, { page: 6, content: 'zero' }),
  ],
  [
    'a page outside the guest',
    '2.2',
    'page 0',
    /below 2000/,
    entries({ page: 2000, content: 'zero' }),
  ],
  [
    'a run that leaves the guest',
    '2.2',
    'page 1',
    /by page 2000/,
    replaced('round 0 on page 1', record({ entries: [{ page: 1999, content: 'zero', pages: 2 }] })),
  ],
  [
    'a run that crosses two spaces',
    '2.1',
    'page 1',
    /by page 1500/,
    replaced('round 0 on page 1', record({ entries: [{ page: 1499, content: 'zero', pages: 2 }] })),
  ],
  [
    'missing entries in a round',
    '2.1',
    'page 0',
    /final round of post-copy/,
    entries({ page: 0, content: 'missing', pages: 5 }),
  ],
  [
    'missing entries, and a switchover without post-copy',
    '2.1',
    'page 0',
    /final round of post-copy/,
    both(said({ ...SWITCHOVER, postCopy: false }), moved('switchover', 'sync 2 on page 1')),
  ],
  [
    'missing entries after the final round',
    '2.1',
    'page 1',
    /final round of post-copy/,
    replaced('push on page 1', record({ entries: [{ page: 2, content: 'missing' }] })),
  ],
  [
    'a space of a kind that there is not',
    '2.2',
    'control',
    /kind ram/,
    said({ ...OPEN, spaces: [{ kind: 'disk', bytes: 4096 * 2000, pageBytes: 4096 }] }),
  ],
  [
    'a space that ends within a page',
    '2.2',
    'control',
    /whole pages/,
    said({ ...OPEN, spaces: [{ kind: 'ram', bytes: 4096 * 2000 + 1, pageBytes: 4096 }] }),
  ],
  [
    'ram in pages of 8 KiB',
    '2.2',
    'control',
    /4096 bytes/,
    said({ ...OPEN, spaces: [{ kind: 'ram', bytes: 4096 * 2000, pageBytes: 8192 }] }),
  ],

  // 2.3: requests
  [
    'a page that is asked for twice',
    '2.3',
    'fault',
    /once/,
    after('answer 0', ofFault('', request(0), 'to-source')),
  ],
  [
    'a request that is not answered',
    '2.3',
    'fault',
    /answer to the request for page 0/,
    without('answer 0'),
  ],
  [
    'an answer that nobody asked for',
    '2.3',
    'fault',
    /not asked for/,
    before('request 0', ofFault('', record({ entries: [{ page: 3, content: 'zero' }] }))),
  ],
  [
    'an answer of two pages',
    '2.3',
    'fault',
    /one page/,
    replaced('answer 0', record({ entries: [{ page: 0, content: 'zero', pages: 2 }] })),
  ],
  [
    'an answer in lz4',
    '2.3',
    'fault',
    /raw or zero/,
    replaced('answer 0', record({ entries: [{ page: 0, content: 'lz4', payload: lz4Block() }] })),
  ],
  [
    'a request for a page outside the guest',
    '2.2',
    'fault',
    /below 2000/,
    replaced('request 0', request(4000)),
  ],

  // 3: messages
  [
    'a message that is no MessagePack',
    '3',
    'control',
    /MessagePack/,
    replaced('round', frame(Buffer.from([0xc1]))),
  ],
  [
    'bytes behind a message',
    '3',
    'control',
    /follow the value/,
    replaced(
      'resume',
      frame(Buffer.concat([source({ type: 'resume' }).bytes.subarray(4), Buffer.alloc(1)])),
    ),
  ],
  [
    'a message that is no map',
    '3',
    'control',
    /a map/,
    replaced('round', frame(Buffer.from([0x93, 1, 2, 3]))),
  ],
  [
    'a mandatory message that nobody knows',
    '3',
    'control',
    /"news"/,
    (items) => items.with(indexOf(items, 'optional message'), destination({ type: 'news' })),
  ],
  [
    "a source's message from the destination",
    '3',
    'control',
    /"round"/,
    after('rounded', destination({ type: 'round', sync: 1 })),
  ],
  [
    'a long message while a switchover may come',
    '3',
    'control',
    /262144/,
    after('round', source({ type: 'alive', more: Buffer.alloc(262_144) })),
  ],
  [
    'a message longer than any may be',
    '3',
    'control',
    /^a message of at most 262144/,
    after('rounded', destination({ type: 'alive', more: Buffer.alloc(262_144) })),
  ],
  [
    'a long message that is no switchover',
    '3',
    'control',
    /but for switchover/,
    after('rounded', source({ type: 'alive', more: Buffer.alloc(262_140) })),
  ],
  [
    'a field that is missing',
    '3.1',
    'control',
    /populateFirst/,
    said({ ...OPEN, populateFirst: undefined }),
  ],
  [
    'a field of another type',
    '3.2',
    'control',
    /resumedAtNs/,
    said({ type: 'running', resumedAtNs: 9.5, loadStateMs: 1, resumeMs: 1 }, destination),
  ],
  [
    'a text that was not cut',
    '3.1',
    'control',
    /4096 characters/,
    said({ ...OPEN, strategy: 'x'.repeat(4097) }),
  ],
  ['65 page channels', '3.1', 'control', /channels/, said({ ...OPEN, channels: 65 })],
  [
    'a description beyond its bound',
    '3.1',
    'control',
    /65536/,
    said({ ...OPEN, description: Buffer.alloc(65_537) }),
  ],
  [
    'more populated than there is',
    '3.1',
    'control',
    /populatedBytes/,
    said({ ...OPEN, populatedBytes: 2001 * 4096 }),
  ],
  [
    'dense runs that overlap',
    '3.1',
    'control',
    /dense/,
    said({
      ...OPEN,
      dense: [
        { page: 0, pages: 10 },
        { page: 9, pages: 2 },
      ],
    }),
  ],
  [
    'dense runs beyond the guest',
    '3.1',
    'control',
    /dense: pages below 2000/,
    said({ ...OPEN, dense: [{ page: 1990, pages: 20 }] }),
  ],
  [
    'more dense than populated',
    '3.1',
    'control',
    /at most populatedBytes/,
    said({ ...OPEN, dense: [{ page: 0, pages: 101 }] }),
  ],
  [
    'a guest observed for longer than may be',
    '3.1',
    'control',
    /observeMs/,
    said({ type: 'verify', observeMs: 600_001, pages: 3 }),
  ],
  [
    'post-copy where it is not possible',
    '3.2',
    'control',
    /faultPath/,
    said({ ...OPENED, faultPath: false, faultPathReason: 'none' }, destination),
  ],
  [
    'no reason why post-copy is not possible',
    '3.2',
    'control',
    /faultPathReason/,
    said({ ...OPENED, faultPath: false, faultPathReason: undefined }, destination),
  ],
  [
    'a state longer than the destination takes',
    '3.2',
    'control',
    /65536/,
    said({ ...SWITCHOVER, state: Buffer.alloc(65_537) }),
  ],
  [
    'clocked that answers another clock',
    '3.2',
    'control',
    /sentNs: 5/,
    said({ type: 'clocked', sentNs: 6n, nowNs: 77n }, destination),
  ],
  [
    'rounded of another round',
    '3.2',
    'control',
    /sync 1/,
    said({ type: 'rounded', sync: 2, pages: 7 }, destination),
  ],

  // 3.3: offers
  [
    'an offer without zero',
    '3.3',
    'control',
    /raw and zero/,
    both(said({ ...OPEN, offers: { ...OPEN.offers, contents: ['raw', 'lz4', 'missing'] } })),
  ],
  [
    "an offer without its spaces' kinds",
    '3.3',
    'control',
    /kinds of all spaces in the offer/,
    said({ ...OPEN, offers: { ...OPEN.offers, spaceKinds: [] } }),
  ],
  [
    'spaces opened whose kinds are not accepted',
    '3.3',
    'control',
    /kinds of all spaces accepted/,
    said({ ...OPENED, accepts: { ...OPENED.accepts, spaceKinds: [] } }, destination),
  ],
  [
    'a cache accepted',
    '3.3',
    'control',
    /a cache of 0/,
    said({ ...OPENED, accepts: { ...OPENED.accepts, cacheBytes: 1 } }, destination),
  ],
  [
    'a content accepted that was not offered',
    '3.3',
    'control',
    /only what was offered/,
    said({ ...OPEN, offers: { ...OPEN.offers, contents: ['raw', 'zero', 'missing'] } }),
  ],
  [
    'a content used that was not accepted',
    '3.3',
    'page 0',
    /was accepted/,
    said(
      { ...OPENED, accepts: { ...OPENED.accepts, contents: ['raw', 'zero', 'missing'] } },
      destination,
    ),
  ],
  [
    'a cache',
    '3.3',
    'control',
    /cache/,
    said({ ...OPEN, offers: { ...OPEN.offers, cacheBytes: 4096 } }),
  ],

  // 3.4 and 4
  [
    'a query where that is not common',
    '3.4',
    'control',
    /common/,
    (items) => [
      { ...(items[0] as Item), bytes: preamble('control', 0, { features: 2n }) },
      items[1] as Item,
      source({ type: 'query', id: Buffer.alloc(16) }),
      destination({ type: 'outcome', state: 'unknown', code: '', sinceMs: 0 }),
    ],
  ],
  [
    'neverRan of a guest that has run',
    '4',
    'control',
    /neverRan/,
    (items) => [
      ...items.slice(0, indexOf(items, 'running') + 1),
      destination({ type: 'failed', code: 'INTERNAL', message: 'no', neverRan: true }),
    ],
  ],

  // 5: order
  ['a second open', '5', 'control', /while opening/, after('open', source(OPEN))],
  ['a round before opened', '5', 'control', /while opening/, moved('opened', 'round')],
  ['resume before ready', '5', 'control', /while switching/, moved('ready', 'resume')],
  ['complete before running', '5', 'control', /while resuming/, moved('running', 'complete')],
  [
    'a second switchover',
    '5',
    'control',
    /while ready/,
    after('ready', source({ ...SWITCHOVER, sync: 3 })),
  ],
  [
    'cancel after the commit point',
    '5',
    'control',
    /while resuming/,
    after('resume', source({ type: 'cancel', reason: 'late' })),
  ],
  [
    'failed of a source after the commit point',
    '5',
    'control',
    /while running/,
    after('running', source({ type: 'failed', code: 'INTERNAL', message: 'late' })),
  ],
  [
    'a message after bye',
    '5',
    'control',
    /nothing after bye/,
    after('bye', source({ type: 'alive' })),
  ],
  [
    'a message after cancel',
    '5',
    'control',
    /nothing after cancel/,
    (items) => [
      ...items.slice(0, indexOf(items, 'round')),
      source({ type: 'cancel', reason: 'enough' }),
      source({ type: 'round', sync: 1 }),
    ],
  ],
  [
    'a round that names a sync which is not sent',
    '5',
    'control',
    /not on page 1/,
    moved('sync 1 on page 1', 'round'),
  ],
  [
    'ready before the sync of the switchover',
    '5',
    'control',
    /before ready/,
    moved('sync 2 on page 1', 'ready'),
  ],
  [
    'pushed that names an earlier sync',
    '5',
    'control',
    /after 2/,
    said({ type: 'pushed', sync: 2 }),
  ],
  [
    'a page on the channel of another stripe',
    '5',
    'page 0',
    /stripe 1 on page 1/,
    entries({ page: STRIPE_1, content: 'zero' }),
  ],
  [
    'a run that goes on into another stripe',
    '5',
    'page 0',
    /stripe 1 on page 1/,
    entries({ page: 1020, content: 'zero', pages: 10 }),
  ],
  [
    'a page of the residual set that is never sent',
    '5',
    'control',
    /page 2 was not/,
    without('push on page 1'),
  ],
  [
    'pages after a final round without post-copy',
    '5',
    'page 1',
    /after the final round/,
    both(
      said({ ...SWITCHOVER, postCopy: false }),
      without(
        'missing on page 0',
        'missing on page 1',
        'request 0',
        'answer 0',
        'request 1024',
        'answer 1024',
      ),
    ),
  ],
  [
    'pushed without post-copy',
    '3.1',
    'control',
    /post-copy alone/,
    both(
      said({ ...SWITCHOVER, postCopy: false }),
      without(
        'missing on page 0',
        'missing on page 1',
        'request 0',
        'answer 0',
        'request 1024',
        'answer 1024',
        'push on page 1',
        'push',
      ),
    ),
  ],
  [
    'a request without post-copy',
    '6.1',
    'fault',
    /without post-copy/,
    both(
      said({ ...SWITCHOVER, postCopy: false }),
      without('missing on page 0', 'missing on page 1', 'push on page 1', 'push', 'pushed'),
    ),
  ],
];

describe('a violation', () => {
  it.each(VIOLATIONS)(
    '%s is found, under section %s, on %s',
    async (_name, section, channel, says, change) => {
      const { violations } = await check(captureOf(change(rightMigration())));
      const [first] = violations;
      expect(first).toMatchObject({ section, channel });
      expect(`${first?.expected}; ${first?.found}`).toMatch(says);
      expect(first?.offset).toBeGreaterThanOrEqual(0);
    },
  );

  it('is found at the byte where it begins', async () => {
    const items = replaced('sync 2 on page 1', sync(7))(rightMigration());
    const { violations } = await check(captureOf(items));
    const at = items
      .slice(0, indexOf(items, 'sync 2 on page 1'))
      .filter(
        ({ role, number, way }) => role === 'page' && number === 1 && way === 'to-destination',
      );
    expect(violations[0]).toMatchObject({
      direction: 'to-destination',
      offset: at.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    });
  });

  it('is counted when there are more than are kept', async () => {
    const many = Array.from({ length: 3000 }, () => onPage(0, sync(9)));
    const wrong = await check(captureOf(after('sync 1 on page 0', ...many)(rightMigration())));
    expect(wrong.violations).toHaveLength(1000);
    expect(wrong.violationCount).toBeGreaterThanOrEqual(3000);
  });
});
