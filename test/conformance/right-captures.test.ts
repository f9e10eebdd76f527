/** What nobody complains about, and what is no capture at all. */
import { describe, expect, it } from 'vitest';
import { after, both, type Change, indexOf, moved, replaced, said, without } from './changes.js';
import { BLOCK_CONTENTS, block } from './handmade-blocks.js';
import {
  answer,
  COMPLETE,
  captureOf,
  check,
  destination,
  type EntryFields,
  type Item,
  lz4Block,
  OPENED,
  onPage,
  raw,
  record,
  rightMigration,
  SWITCHOVER,
  source,
} from './handmade-capture.js';

/** A record on page channel 0. */
function behind(name: string, entry: EntryFields): Change {
  return after(name, onPage(0, record({ entries: [entry] })));
}

describe('what is right', () => {
  it.each([1, 7, 4096, 1 << 20])('is right in blocks and reads of %d bytes', async (bytes) => {
    const checked = await check(captureOf(rightMigration(), { cutInto: bytes }), bytes);
    expect(checked.violations).toEqual([]);
    expect(checked).toMatchObject({
      outcome: 'completed',
      strategy: 'hybrid',
      migrationId: '00112233445566778899aabbccddeeff',
      cut: null,
      records: { pages: 8, sync: 6, request: 2, optional: 1 },
      pages: { raw: 3, zero: 6, lz4: 2, missing: 4, xbzrle: 0 },
      payloadBytes: { raw: 3 * 4096, zero: 0, lz4: 2 * lz4Block().byteLength, missing: 2 },
      messages: {
        'to-destination': { open: 1, round: 1, switchover: 1, bye: 1 },
        'to-source': { opened: 1, 'news (skipped)': 1, complete: 1 },
      },
    });
    expect(checked.bytes.find(({ channel }) => channel === 'fault')).toEqual({
      channel: 'fault',
      'to-destination': 40 + 16 + 16 + 4096 + 16 + 16,
      'to-source': 24 + 16 + 16,
    });
  });

  it('is right as the destination sees it: messages may overtake the bytes of other channels', async () => {
    const seen = both(moved('sync 1 on page 1', 'round'), moved('sync 3 on page 0', 'pushed'));
    const checked = await check(captureOf(seen(rightMigration()), { side: 2 }));
    expect(checked.violations).toEqual([]);
  });

  it.each([
    [
      'is cancelled within a record',
      'sync 1 on page 0',
      source({ type: 'cancel', reason: 'enough' }),
      'cancelled',
    ],
    [
      'fails at the source',
      'rounded',
      source({ type: 'failed', code: 'X', message: 'y' }),
      'failed',
    ],
    [
      'fails at the destination',
      'switchover',
      destination({ type: 'failed', code: 'X', message: 'y', neverRan: true }),
      'failed',
    ],
    [
      'is lost',
      'running',
      onPage(0, record({ entries: [{ page: 2, content: 'raw', payload: raw() }] }).subarray(0, 99)),
      'unfinished',
    ],
  ] as const)('is a migration that %s', async (_how, last, then, outcome) => {
    const items = rightMigration();
    const checked = await check(captureOf([...items.slice(0, indexOf(items, last)), then]));
    expect(checked).toMatchObject({ outcome, violations: [] });
  });

  it('is a connection that is refused, and a query', async () => {
    const [asked, accepted] = rightMigration() as [Item, Item];
    const busy = await check(captureOf([asked, { ...accepted, bytes: answer(3) }]));
    expect(busy).toMatchObject({ outcome: 'refused', violations: [] });
    const outcome = { type: 'outcome', state: 'running', code: '', sinceMs: 12 };
    const query = source({ type: 'query', id: Buffer.alloc(16) });
    const answered = await check(captureOf([asked, accepted, query, destination(outcome)]));
    expect(answered).toMatchObject({ outcome: 'query', violations: [] });
  });

  it.each(BLOCK_CONTENTS)(
    'is a block in %s: of one page, of neighbours, of pages apart, of as many as may be',
    async (content) => {
      const layouts = [
        '1',
        '11',
        '1001',
        '1'.repeat(64),
        `${'10'.repeat(63)}01`,
        `1${'0'.repeat(1022)}1`,
      ];
      const records = layouts.map((bits) =>
        onPage(0, record({ entries: [block(content, 0, bits)] })),
      );
      const all = record({ entries: [{ page: 0, content: 'zero', pages: 1024 }] });
      const change = both(
        replaced('round 0 on page 0', all),
        after('round 0 on page 0', ...records),
      );
      const checked = await check(captureOf(change(rightMigration())));
      expect(checked.violations).toEqual([]);
      const pages = 1 + 2 + 2 + 64 + 64 + 2;
      // The right migration has a page in lz4 after the switchover, too.
      expect(checked.pages[content]).toBe(content === 'lz4' ? pages + 1 : pages);
    },
  );

  it('is a delta of a page that came as anything, in the final round too', async () => {
    const first = record({
      entries: [
        { page: 0, content: 'raw', payload: raw() },
        { page: 1, content: 'zero', pages: 2 },
        block('zstd', 3, '11'),
        { page: 5, content: 'fill', pages: 300, payload: Buffer.from('01234567') },
      ],
    });
    const all = '1'.repeat(8);
    const change = both(
      replaced('round 0 on page 0', first),
      behind('sync 1 on page 0', block('xbzrle', 0, all)),
      behind('switchover', block('zstd-delta', 0, all)),
    );
    const checked = await check(captureOf(change(rightMigration())));
    expect(checked.violations).toEqual([]);
    expect(checked.pages).toMatchObject({ raw: 2, zstd: 2, fill: 300, xbzrle: 8, 'zstd-delta': 8 });
    expect(checked.payloadBytes).toMatchObject({ fill: 8, xbzrle: 8 * 5, zstd: 2 + 2 * 4 });
  });

  it('is a block of the residual set on any channel', async () => {
    const change = both(
      replaced('push on page 1', record({ entries: [block('sparse', 2, '10000001')] })),
      without('push'),
    );
    const checked = await check(captureOf(change(rightMigration())));
    expect(checked.violations).toEqual([]);
  });

  it('is a long switchover, and fields that nobody knows', async () => {
    const opened = { ...OPENED, maxStateBytes: 1 << 20, more: { is: ['ignored'] } };
    const change = both(
      said(opened, destination),
      said({ ...SWITCHOVER, state: Buffer.alloc(1 << 20) }),
      said({ ...COMPLETE, guest: null }, destination),
    );
    const checked = await check(captureOf(change(rightMigration())));
    expect(checked.violations).toEqual([]);
  });
});

describe('a file', () => {
  it.each([
    ['that is no capture', Buffer.from('#!/bin/sh\nexit 0 # and more than a head')],
    ['that is empty', Buffer.alloc(0)],
    ['of another version', flippedFile(8, 2)],
    ['of no side', flippedFile(10, 3)],
    ['with a block that is none', flippedFile(24, 4)],
    ['that goes on after its end', Buffer.concat([captureOf(rightMigration()), Buffer.alloc(1)])],
  ])('%s is refused', async (_what, file) => {
    await expect(check(file)).rejects.toMatchObject({ kind: 'no-capture' });
  });

  it('that was cut short is checked as far as it goes, wherever that is', async () => {
    const whole = captureOf(rightMigration());
    for (let bytes = 24; bytes < whole.byteLength; bytes += 131) {
      const checked = await check(whole.subarray(0, bytes));
      expect(checked.cut).toMatch(/cut short/);
      expect(checked.violations).toEqual([]);
    }
  });
});

function flippedFile(offset: number, value: number): Buffer {
  const file = captureOf(rightMigration());
  file.writeUInt8(value, offset);
  return file;
}
