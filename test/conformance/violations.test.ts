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
import { bitmapOf, block, encodingOf, pageByPage } from './handmade-blocks.js';
import {
  answer,
  captureOf,
  check,
  destination,
  type EntryFields,
  frame,
  type Item,
  item,
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

/** The same, with a record before it that carries pages 0 to 1023: they have bases. */
function deltas(...list: EntryFields[]): Change {
  const all = record({ entries: [{ page: 0, content: 'zero', pages: 1024 }] });
  return both(entries(...list), before('round 0 on page 0', onPage(0, all)));
}

/** Two pages in wkdm64, of which the second is that. */
function secondWkdm64(page: Buffer): EntryFields {
  const payload = Buffer.concat([encodingOf('wkdm64', 1), pageByPage(1, page)]);
  return { page: 8, content: 'wkdm64', pages: 2, payload };
}

const ofFault = (name: string, bytes: Buffer, way: Item['way'] = 'to-destination') =>
  item(name, 'fault', 0, way, bytes);

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
    'an entry of no pages',
    '2.1',
    'page 0',
    /1 to 65535/,
    entries({ page: 0, content: 'zero', pages: 0 }),
  ],
  ['a content that there is not', '2.1', 'page 0', /content/, entries({ page: 0, content: 11 })],
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
  // 2.1: blocks
  [
    'members of raw pages',
    '2.1',
    'page 0',
    /0 members of raw pages; 1/,
    entries({ page: 0, content: 'raw', payload: raw(), members: 1 }),
  ],
  [
    'members of zero pages',
    '2.1',
    'page 0',
    /0 members of zero pages; 2/,
    entries({ page: 0, content: 'zero', pages: 2, members: 2 }),
  ],
  [
    'members of missing pages',
    '2.1',
    'page 1',
    /0 members of missing pages; 1/,
    replaced(
      'missing on page 1',
      record({ entries: [{ page: STRIPE_1, content: 'missing', members: 1 }] }),
    ),
  ],
  [
    'a block without members',
    '2.1',
    'page 0',
    /1 to 64 members; 0/,
    entries({ ...block('lz4', 9, '1'), members: 0 }),
  ],
  [
    'a block of 65 members',
    '2.1',
    'page 0',
    /1 to 64 members; 65/,
    entries(block('sparse', 9, '1'.repeat(65))),
  ],
  [
    'a block of more members than pages',
    '2.1',
    'page 0',
    /at most 2 members of 2 pages; 3/,
    entries({ ...block('zstd', 9, '11'), members: 3 }),
  ],
  [
    'a block over more pages than a stripe has',
    '2.1',
    'page 0',
    /at most 1024 pages; 1025/,
    entries(block('lz4', 0, `1${'0'.repeat(1023)}1`)),
  ],
  [
    'a block that leaves its stripe',
    '2.1',
    'page 0',
    /by page 1024, with its stripe; 2 pages from 1023/,
    entries(block('wkdm32', 1023, '11')),
  ],
  [
    'a block that leaves its stripe, after the switchover',
    '2.1',
    'page 1',
    /by page 1024, with its stripe/,
    replaced('push on page 1', record({ entries: [block('lz4', 1022, '101')] })),
  ],
  [
    'a block that leaves its space',
    '2.1',
    'page 1',
    /by page 1500, with its space/,
    replaced('round 0 on page 1', record({ entries: [block('lz4', 1499, '11')] })),
  ],
  [
    'a block on the channel of another stripe',
    '5',
    'page 0',
    /stripe 1 on page 1/,
    entries(block('lz4', STRIPE_1, '11')),
  ],
  [
    'a block without an encoding',
    '2.1',
    'page 0',
    /2 to 8192 bytes of a block; 1 bytes/,
    entries({ page: 9, content: 'lz4', pages: 3, members: 2, payload: bitmapOf('101') }),
  ],
  [
    'a block without bytes',
    '2.1',
    'page 0',
    /1 to 4095 bytes of a block; 0/,
    entries({ page: 9, content: 'zstd', payload: Buffer.alloc(0) }),
  ],
  [
    'a block as long as its pages',
    '2.1',
    'page 0',
    /1 to 8191 bytes of a block; 8192/,
    entries({ page: 9, content: 'wkdm64', pages: 2, payload: raw(2) }),
  ],
  [
    'a block as long as its members, behind its bitmap',
    '2.1',
    'page 0',
    /2 to 8192 bytes of a block; 8193/,
    entries({
      page: 9,
      content: 'wkdm64',
      pages: 3,
      members: 2,
      payload: Buffer.concat([bitmapOf('101'), raw(2)]),
    }),
  ],
  [
    'a bitmap with too few members',
    '2.1',
    'page 0',
    /3 members among 4 pages; 2 bits/,
    entries({
      ...block('sparse', 9, '1101'),
      payload: Buffer.concat([bitmapOf('1001'), encodingOf('sparse', 3)]),
    }),
  ],
  [
    'a bitmap with too many members',
    '2.1',
    'page 0',
    /3 members among 4 pages; 4 bits/,
    entries({
      ...block('sparse', 9, '1101'),
      payload: Buffer.concat([bitmapOf('1111'), encodingOf('sparse', 3)]),
    }),
  ],
  [
    'a bitmap whose first bit is clear',
    '2.1',
    'page 0',
    /bit of the first page is clear/,
    entries({
      ...block('lz4', 9, '1001'),
      payload: Buffer.concat([bitmapOf('0011'), encodingOf('lz4', 2)]),
    }),
  ],
  [
    'a bitmap whose last bit is clear',
    '2.1',
    'page 0',
    /bit of the last page is clear/,
    entries({
      ...block('lz4', 9, '1001'),
      payload: Buffer.concat([bitmapOf('1100'), encodingOf('lz4', 2)]),
    }),
  ],
  [
    'a bitmap with bits beyond its pages',
    '2.1',
    'page 0',
    /bit 6 is set, beyond the 4 pages/,
    entries({
      ...block('lz4', 9, '1001'),
      payload: Buffer.concat([bitmapOf('10010010'), encodingOf('lz4', 2)]),
    }),
  ],
  [
    'a bitmap where all pages are members',
    '2.1',
    'page 0',
    /an encoding of 2 pages in zstd; its Frame_Header_Descriptor is 3/,
    entries({
      ...block('zstd', 9, '11'),
      payload: Buffer.concat([bitmapOf('11'), encodingOf('zstd', 2)]),
    }),
  ],
  [
    "a page within a block's span, also of one that it does not hold",
    '2.1',
    'page 0',
    /from 13 on/,
    entries(block('lz4', 9, '1001'), { page: 10, content: 'zero' }),
  ],
  [
    'two blocks that go into each other',
    '2.1',
    'page 0',
    /from 13 on/,
    entries(block('lz4', 9, '1001'), block('lz4', 10, '1001')),
  ],
  [
    'a block whose content was not accepted',
    '3.3',
    'page 0',
    /was accepted; zstd/,
    both(
      said(
        { ...OPENED, accepts: { ...OPENED.accepts, contents: ['raw', 'zero', 'lz4', 'missing'] } },
        destination,
      ),
      entries(block('zstd', 9, '1')),
    ),
  ],
  [
    'fill with half a word',
    '2.1',
    'page 0',
    /a word of 8 bytes; 4 bytes/,
    entries({ page: 0, content: 'fill', pages: 3, payload: Buffer.alloc(4) }),
  ],
  [
    'fill with a page',
    '2.1',
    'page 0',
    /a word of 8 bytes; 4096 bytes/,
    entries({ page: 0, content: 'fill', payload: raw() }),
  ],

  // 2.1: bases
  [
    'a delta of a page that never came',
    '2.1',
    'page 0',
    /page 702, of which none came/,
    both(
      entries(block('xbzrle', 700, '1011')),
      before('round 0 on page 0', onPage(0, record({ entries: [block('lz4', 700, '11')] }))),
    ),
  ],
  [
    'a delta of a page that comes in the same record',
    '2.1',
    'page 0',
    /page 9, of which none came/,
    entries({ page: 0, content: 'zero', pages: 9 }, block('zstd-delta', 9, '1')),
  ],
  [
    'a delta of a page that a block spans and does not hold',
    '2.1',
    'page 0',
    /page 10, of which none came/,
    both(
      entries(block('lz4-delta', 9, '11')),
      before('round 0 on page 0', onPage(0, record({ entries: [block('lz4', 9, '101')] }))),
    ),
  ],
  [
    'a delta of a page that is missing',
    '2.1',
    'page 0',
    /page 9, of which none came/,
    after(
      'missing on page 0',
      onPage(0, record({ entries: [block('xbzrle', 5, '1')] })),
      onPage(0, record({ entries: [block('xbzrle', 9, '1')] })),
    ),
  ],
  [
    'a delta after the switchover',
    '2.1',
    'page 0',
    /nothing that needs a base after the switchover; xbzrle/,
    replaced('push', record({ entries: [block('xbzrle', 9, '1')] })),
  ],
  [
    'a delta in zstd after the switchover',
    '2.1',
    'page 1',
    /nothing that needs a base after the switchover; zstd-delta/,
    replaced('push on page 1', record({ entries: [block('zstd-delta', 2, '1')] })),
  ],

  // 2.1 and encodings.md: each encoding
  [
    'an lz4 block of two pages that decodes to one',
    '2.1',
    'page 0',
    /an encoding of 2 pages in lz4; it decodes to 4096/,
    entries({ ...block('lz4', 9, '11'), payload: encodingOf('lz4', 1) }),
  ],
  [
    'an lz4 block that refers to bytes before its first page',
    '2.1',
    'page 0',
    /in lz4; a match begins before/,
    entries({ page: 9, content: 'lz4', payload: Buffer.from([0x1f, 1, 9, 0, 0, 0]) }),
  ],
  [
    'a zstd frame with a magic number',
    '2.1',
    'page 0',
    /in zstd; its Frame_Header_Descriptor is 40/,
    entries({
      page: 9,
      content: 'zstd',
      payload: Buffer.concat([Buffer.from('28b52ffd', 'hex'), encodingOf('zstd', 1)]),
    }),
  ],
  [
    'a zstd frame with the window of another length',
    '2.1',
    'page 0',
    /in zstd; its Window_Descriptor is 24, and not 16/,
    entries({ page: 9, content: 'zstd', payload: encodingOf('zstd', 2) }),
  ],
  [
    'a zstd frame that another one follows',
    '2.1',
    'page 0',
    /in zstd; 6 bytes follow the last block/,
    entries({
      page: 9,
      content: 'zstd',
      payload: Buffer.concat([encodingOf('zstd', 1), encodingOf('zstd', 1)]),
    }),
  ],
  [
    'a zstd-delta frame with the window of its content alone',
    '2.1',
    'page 0',
    /in zstd-delta; its Window_Descriptor is 16, and not 24/,
    deltas({ page: 9, content: 'zstd-delta', payload: encodingOf('zstd', 1) }),
  ],
  [
    'a wkdm64 page that is longer than its tags say, which is named',
    '2.1',
    'page 0',
    /in wkdm64; page 9: it has 129 bytes, and its tags say 128/,
    entries(secondWkdm64(Buffer.alloc(129))),
  ],
  [
    'a wkdm32 page whose tags are cut short',
    '2.1',
    'page 0',
    /in wkdm32; page 9: it has 128 bytes/,
    entries({ page: 9, content: 'wkdm32', payload: encodingOf('wkdm64', 1) }),
  ],
  [
    'a sparse page with a word that is 0, named by its place in the bitmap',
    '2.1',
    'page 0',
    /in sparse; page 12: word 3 is 0/,
    entries({
      ...block('sparse', 9, '1001'),
      payload: Buffer.concat([
        bitmapOf('1001'),
        encodingOf('sparse', 1),
        pageByPage(1, Buffer.concat([Buffer.from([0b1000]), Buffer.alloc(71)])),
      ]),
    }),
  ],
  [
    'an lz4-delta page that reaches back beyond its base',
    '2.1',
    'page 0',
    /in lz4-delta; page 9: a match begins before/,
    deltas({
      page: 9,
      content: 'lz4-delta',
      payload: pageByPage(1, Buffer.from([0x1f, 7, 0x02, 0x10, 0, 0])),
    }),
  ],
  [
    'an xbzrle page with an empty run',
    '2.1',
    'page 0',
    /in xbzrle; page 9: a run of different bytes is empty/,
    deltas({ page: 9, content: 'xbzrle', payload: pageByPage(1, Buffer.from([5, 0])) }),
  ],
  [
    'a member that the encoding does not have',
    '2.1',
    'page 0',
    /in xbzrle; page 11: it has no length/,
    deltas({
      ...block('xbzrle', 9, '101'),
      payload: Buffer.concat([bitmapOf('101'), encodingOf('xbzrle', 1)]),
    }),
  ],
  [
    'an encoding of more members than the block has',
    '2.1',
    'page 0',
    /in sparse; 66 bytes follow the last member/,
    entries({ page: 9, content: 'sparse', payload: encodingOf('sparse', 2) }),
  ],

  // 2.2: spaces
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
    'an answer in wkdm64',
    '2.3',
    'fault',
    /raw, zero or lz4/,
    replaced(
      'answer 0',
      record({ entries: [{ page: 0, content: 'wkdm64', payload: encodingOf('wkdm64', 1) }] }),
    ),
  ],
  [
    'an answer in fill',
    '2.3',
    'fault',
    /raw, zero or lz4/,
    replaced(
      'answer 0',
      record({ entries: [{ page: 0, content: 'fill', payload: Buffer.alloc(8, 7) }] }),
    ),
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
    'a page of the residual set that a block spans and does not hold',
    '5',
    'control',
    /page 9 was not/,
    both(
      replaced('push on page 1', record({ entries: [block('lz4', 2, '100000001')] })),
      without('push'),
    ),
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

  it('of an encoding is found where that begins, behind the bitmap', async () => {
    const payload = Buffer.concat([bitmapOf('101'), Buffer.alloc(5)]);
    const wrong = entries({ ...block('xbzrle', 9, '101'), content: 'sparse', payload });
    const { violations } = await check(captureOf(wrong(rightMigration())));
    const [preambleBytes, headerBytes, entryBytes] = [40, 16, 16];
    expect(violations[0]?.offset).toBe(preambleBytes + headerBytes + entryBytes + 1);
  });

  it('is counted when there are more than are kept', async () => {
    const many = Array.from({ length: 3000 }, () => onPage(0, sync(9)));
    const wrong = await check(captureOf(after('sync 1 on page 0', ...many)(rightMigration())));
    expect(wrong.violations).toHaveLength(1000);
    expect(wrong.violationCount).toBeGreaterThanOrEqual(3000);
  });
});
