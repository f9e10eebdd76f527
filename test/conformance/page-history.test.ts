/** How one page came, as far as a capture says it. */
import { describe, expect, it } from 'vitest';
import { checkCapture } from '../../src/conformance/check-capture.js';
import { PageHistory } from '../../src/conformance/page-history.js';
import { after, both, type Change, without } from './changes.js';
import { block } from './handmade-blocks.js';
import {
  captureOf,
  type Item,
  lz4Block,
  onPage,
  record,
  rightMigration,
} from './handmade-capture.js';

async function historyOf(page: number, items: readonly Item[]): Promise<PageHistory> {
  const history = new PageHistory(page);
  await checkCapture(
    (async function* () {
      yield captureOf(items);
    })(),
    history,
  );
  return history;
}

function behind(name: string, item: Item): Change {
  return after(name, item);
}

describe('the history of a page', () => {
  it('has each time that it came, with its round and its channel', async () => {
    const { arrivals, count, guestPages, finalRound } = await historyOf(0, rightMigration());
    const all = { base: null, payloadBytes: 0 };
    expect(arrivals).toMatchObject([
      { ...all, channel: 'page 0', round: 1, content: 'raw', entryPages: 2, payloadBytes: 8192 },
      { ...all, channel: 'page 0', round: 2, content: 'missing', entryPages: 10, payloadBytes: 2 },
      { ...all, channel: 'fault', round: null, content: 'raw', entryPages: 1, payloadBytes: 4096 },
    ]);
    expect({ count, guestPages, finalRound }).toEqual({
      count: 3,
      guestPages: 2000,
      finalRound: 2,
    });
    // The entry is behind the preamble, the record's header, and in the table.
    expect(arrivals[0]?.offset).toBe(40 + 16);
  });

  it('has the block that it was encoded in, and where it went after the switchover', async () => {
    const { arrivals } = await historyOf(9, rightMigration());
    expect(arrivals.map(({ round, content }) => [round, content])).toEqual([
      [1, 'lz4'],
      [2, 'missing'],
      [3, 'lz4'],
    ]);
    expect(arrivals[0]).toMatchObject({ entryPages: 1, payloadBytes: lz4Block().byteLength });
  });

  it('says how the page came that a delta is of', async () => {
    const delta = record({ entries: [block('xbzrle', 9, '1')] });
    const twice = both(
      behind('sync 1 on page 0', onPage(0, delta, 'one')),
      behind('one', onPage(0, delta)),
    );
    const { arrivals } = await historyOf(9, twice(rightMigration()));
    expect(arrivals.slice(1, 3)).toMatchObject([
      { content: 'xbzrle', base: { round: 1, content: 'lz4' } },
      { content: 'xbzrle', base: { round: 2, content: 'xbzrle' } },
    ]);
  });

  it('has nothing of a page that never came, nor of a guest that never did', async () => {
    expect(await historyOf(1999, rightMigration())).toMatchObject({ count: 0, guestPages: 2000 });
    const none = await historyOf(0, []);
    expect(none).toMatchObject({ count: 0, guestPages: null, finalRound: null });
    const unfinished = without('switchover')(rightMigration());
    expect((await historyOf(0, unfinished)).finalRound).toBeNull();
  });

  it('keeps a thousand of them, and counts the rest', async () => {
    const zero = Array.from({ length: 1100 }, () =>
      record({ entries: [{ page: 5, content: 'zero' }] }),
    );
    const many = behind('round 0 on page 0', onPage(0, Buffer.concat(zero)));
    const { arrivals, count } = await historyOf(5, many(rightMigration()));
    expect([arrivals.length, count]).toEqual([1000, 1101]);
  });
});
