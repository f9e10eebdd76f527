/** Page channels: docs/protocol.md, sections 2 and 5. */

import type { Entry } from './entries.js';
import type { Incoming, Reading } from './incoming.js';
import { type Migration, type PageChannel, STRIPE_PAGES } from './migration.js';
import { readPayload } from './payloads.js';
import {
  checkBare,
  type Header,
  nextHeader,
  PAGES,
  type RecordFigures,
  readTable,
  type Source,
  SYNC,
} from './record-headers.js';
import type { Place } from './violation.js';

/** What the source sends on a page channel, after its preamble. */
export function* readPageChannel(
  m: Migration,
  figures: RecordFigures,
  channel: PageChannel,
  incoming: Incoming,
): Reading {
  const at = { channel: `page ${channel.number}`, direction: 'to-destination' } as const;
  const source = { m, figures, at, incoming };
  for (let isFirst = true; ; isFirst = false) {
    const header = yield* nextHeader(source);
    if (header === undefined) return;
    if (isFirst) checkAllOpen(m, header.place);
    if (header.type === SYNC) {
      if (!checkBare(m, header)) return;
      figures.records.sync += 1;
      const next = BigInt(channel.syncs + 1);
      if (header.value !== next)
        m.violates('2', header.place, `sync ${next}`, `sync ${header.value}`);
      channel.syncs += 1;
    } else if (header.type === PAGES) {
      if (!(yield* readPages(source, header, channel))) return;
    } else {
      m.violates('2', header.place, 'a pages record or a sync', `type ${header.type}`);
      return;
    }
  }
}

function checkAllOpen(m: Migration, place: Place): void {
  const missing = m.channelsMissing();
  if (missing.length === 0) return;
  m.violates(
    '1.1',
    place,
    'every channel accepted before the first record',
    `none on ${missing.join(', ')}`,
  );
}

function* readPages(source: Source, header: Header, channel: PageChannel): Reading<boolean> {
  const { m, figures } = source;
  const round = channel.syncs + 1;
  const isAfter = m.switchover !== undefined && round > m.switchover.sync;
  if (isAfter && m.switchover?.postCopy === false) {
    m.violates(
      '5',
      header.place,
      'no pages after the final round',
      `a record after sync ${channel.syncs}`,
    );
  }
  const table = yield* readTable(source, header);
  if (table === undefined) return false;
  figures.records.pages += 1;
  for (const entry of table) {
    if (!isAfter) checkStripes(m, entry, channel);
    if (entry.content === 'missing') announce(m, entry, round, channel);
    yield* readPayload(source, entry, isAfter, round);
  }
  return true;
}

function checkStripes(m: Migration, { page, pages, place }: Entry, { number }: PageChannel): void {
  const last = Math.floor((page + pages - 1) / STRIPE_PAGES);
  for (let stripe = Math.floor(page / STRIPE_PAGES); stripe <= last; stripe += 1) {
    const right = m.channelOfStripe(stripe);
    if (right === number) continue;
    m.violates(
      '5',
      place,
      `stripe ${stripe} on page ${right}`,
      `page ${Math.max(page, stripe * STRIPE_PAGES)} of it`,
    );
    return;
  }
}

/** Missing entries belong in the final round of a migration that goes on with post-copy. */
function announce(m: Migration, { place }: Entry, round: number, channel: PageChannel): void {
  if (m.switchover === undefined) {
    if (!channel.announced.has(round)) channel.announced.set(round, place);
  } else if (!m.switchover.postCopy || round !== m.switchover.sync) {
    m.violates(
      '2.1',
      place,
      'missing entries in the final round of post-copy alone',
      `one in round ${round}`,
    );
  }
}
