/** Page and fault channels: docs/protocol.md, section 2. */

import { MOST } from './bounds.js';
import type { Incoming, Reading } from './incoming.js';
import { decodeLz4Block } from './lz4-block.js';
import { type Migration, type PageChannel, STRIPE_PAGES } from './migration.js';
import { PageSet } from './page-set.js';
import type { Place } from './violation.js';

const HEADER_BYTES = 16;
const ENTRY_BYTES = 16;
const OPTIONAL = 0x8000;
const [PAGES, SYNC, REQUEST] = [1, 2, 3];
export const CONTENTS = ['raw', 'zero', 'lz4', 'missing'] as const;
export type Content = (typeof CONTENTS)[number];
export const CONTENT_OF: Readonly<Record<number, Content>> = {
  0: 'raw',
  1: 'zero',
  2: 'lz4',
  255: 'missing',
};

/** Of each kind; optional ones are skipped. */
export type RecordCounts = Record<'pages' | 'sync' | 'request' | 'optional', number>;

export class RecordFigures {
  readonly records: RecordCounts = { pages: 0, sync: 0, request: 0, optional: 0 };
  /** Pages, by what they came as; of the missing ones those that are. */
  readonly pages: Record<Content, number> = { raw: 0, zero: 0, lz4: 0, missing: 0 };
}

interface Header {
  readonly type: number;
  readonly entries: number;
  readonly payloadBytes: number;
  readonly value: bigint;
  readonly place: Place;
}

interface Entry {
  readonly page: number;
  readonly payloadBytes: number;
  readonly pages: number;
  readonly content: Content;
  readonly pageBytes: number;
  readonly place: Place;
}

/** Where records are read, and what about them depends on it. */
interface Source {
  readonly m: Migration;
  readonly figures: RecordFigures;
  readonly at: Omit<Place, 'offset'>;
  readonly incoming: Incoming;
}

/** The next record that is not skipped; undefined when the rest cannot be read. */
function* nextHeader({ m, figures, at, incoming }: Source): Reading<Header | undefined> {
  for (;;) {
    const place = { ...at, offset: incoming.begin() };
    const bytes = yield* incoming.take(HEADER_BYTES);
    const header = {
      type: bytes.readUInt16LE(0),
      entries: bytes.readUInt16LE(2),
      payloadBytes: bytes.readUInt32LE(4),
      value: bytes.readBigUInt64LE(8),
      place,
    };
    if (header.entries > MOST.entries) {
      m.violates('2', place, `at most ${MOST.entries} entries`, `${header.entries}`);
      return undefined;
    }
    if (header.payloadBytes > MOST.payloadBytes) {
      m.violates(
        '2',
        place,
        `at most ${MOST.payloadBytes} bytes of payload`,
        `${header.payloadBytes}`,
      );
      return undefined;
    }
    if ((header.type & OPTIONAL) === 0) return header;
    // Of none of these the protocol says anything yet.
    figures.records.optional += 1;
    yield* incoming.skip(header.entries * ENTRY_BYTES + header.payloadBytes);
  }
}

/** A record that has neither entries nor payload. */
function checkBare(m: Migration, { entries, payloadBytes, place }: Header): boolean {
  if (entries === 0 && payloadBytes === 0) return true;
  m.violates('2', place, 'no entries and no payload', `${entries} entries, ${payloadBytes} bytes`);
  return false;
}

/** The table of a pages record; undefined when it is not right, and its payload therefore unknown. */
function* readTable(source: Source, header: Header): Reading<readonly Entry[] | undefined> {
  const { m, at, incoming } = source;
  if (header.value !== 0n) m.violates('2', header.place, 'the value 0', `${header.value}`);
  if (header.entries === 0) {
    m.violates('2', header.place, `1 to ${MOST.entries} entries`, 'none');
    return undefined;
  }
  const offset = incoming.offset;
  const bytes = yield* incoming.take(header.entries * ENTRY_BYTES);
  const table: Entry[] = [];
  let end = 0;
  let payload = 0;
  for (let i = 0; i < header.entries; i += 1) {
    const place = { ...at, offset: offset + i * ENTRY_BYTES };
    const entry = readEntry(m, bytes.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES), place);
    if (entry === undefined) return undefined;
    if (entry.page < end) {
      m.violates('2.1', place, `a page from ${end} on: entries ascend`, `page ${entry.page}`);
      return undefined;
    }
    end = entry.page + entry.pages;
    payload += entry.payloadBytes;
    table.push(entry);
  }
  if (payload === header.payloadBytes) return table;
  m.violates(
    '2.1',
    header.place,
    `a payload of ${payload} bytes, the sum of its entries`,
    `${header.payloadBytes}`,
  );
  return undefined;
}

function readEntry(m: Migration, bytes: Buffer, place: Place): Entry | undefined {
  const wrong = (section: string, expected: string, found: string) => {
    m.violates(section, place, expected, found);
    return undefined;
  };
  const page = Number(bytes.readBigUInt64LE(0));
  const payloadBytes = bytes.readUInt32LE(8);
  const pages = bytes.readUInt16LE(12);
  const number = bytes.readUInt8(14);
  const reserved = bytes.readUInt8(15);
  if (reserved !== 0) return wrong('2.1', 'a reserved byte of 0', `${reserved}`);
  if (pages === 0) return wrong('2.1', `1 to ${MOST.entryPages} pages`, '0');
  const content = CONTENT_OF[number];
  if (content === undefined) return wrong('2.1', `a content that there is`, `${number}`);
  const space = m.spaceOf(page);
  if (space === undefined) return wrong('2.2', `a page below ${m.pages}`, `page ${page}`);
  const end = space.firstPage + space.pages;
  if (page + pages > end) {
    const section = page + pages > m.pages ? '2.2' : '2.1';
    return wrong(
      section,
      `a run that ends by page ${end}, with its space`,
      `${pages} pages from ${page}`,
    );
  }
  if (!m.accepts.has(content)) return wrong('3.3', 'a content that was accepted', content);
  if (content === 'lz4' && pages !== 1) return wrong('2.1', 'an lz4 entry of one page', `${pages}`);
  const { pageBytes } = space;
  const complaint = lengthComplaint(content, payloadBytes, pages, pageBytes);
  if (complaint !== undefined) return wrong('2.1', complaint, `${payloadBytes} bytes`);
  return { page, payloadBytes, pages, content, pageBytes, place };
}

function lengthComplaint(
  content: Content,
  bytes: number,
  pages: number,
  pageBytes: number,
): string | undefined {
  switch (content) {
    case 'raw':
      return bytes === pages * pageBytes ? undefined : `${pages * pageBytes} bytes of raw pages`;
    case 'zero':
      return bytes === 0 ? undefined : 'no bytes of zero pages';
    case 'lz4':
      return bytes >= 1 && bytes < pageBytes ? undefined : `1 to ${pageBytes - 1} bytes of lz4`;
    case 'missing': {
      const bitmap = Math.ceil(pages / 8);
      return bytes === 0 || bytes === bitmap ? undefined : `0 or ${bitmap} bytes of bitmap`;
    }
    default:
      return content satisfies never;
  }
}

const decoded = Buffer.alloc(65_536);

function* readPayload({ m, incoming }: Source, entry: Entry): Reading<Buffer | undefined> {
  const { content, payloadBytes, pageBytes } = entry;
  const { offset } = incoming;
  if (content === 'raw') {
    yield* incoming.skip(payloadBytes);
    return undefined;
  }
  const payload = yield* incoming.take(payloadBytes);
  if (content === 'lz4') {
    const page =
      pageBytes <= decoded.byteLength ? decoded.subarray(0, pageBytes) : Buffer.alloc(pageBytes);
    const complaint = decodeLz4Block(payload, page);
    if (complaint !== undefined) {
      m.violates(
        '2.1',
        { ...entry.place, offset },
        `an LZ4 block of ${pageBytes} bytes`,
        complaint,
      );
    }
  }
  return payload;
}

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
    const payload = yield* readPayload(source, entry);
    figures.pages[entry.content] += countPages(m, entry, payload, isAfter);
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

function countPages(
  m: Migration,
  entry: Entry,
  payload: Buffer | undefined,
  isAfter: boolean,
): number {
  const { page, pages, content } = entry;
  if (content !== 'missing') {
    if (isAfter) for (let i = 0; i < pages; i += 1) m.residual.delete(page + i);
    return pages;
  }
  const isNamed = (i: number) =>
    payload === undefined ||
    payload.byteLength === 0 ||
    ((payload[i >> 3] as number) & (1 << (i & 7))) !== 0;
  let count = 0;
  for (let i = 0; i < pages; i += 1) {
    if (!isNamed(i)) continue;
    count += 1;
    m.residual.add(page + i);
  }
  return count;
}

/** Of a fault channel, both ways. */
export class FaultChannel {
  readonly #m: Migration;
  readonly #figures: RecordFigures;
  readonly #asked = new PageSet();
  readonly #waiting = new PageSet();

  constructor(m: Migration, figures: RecordFigures) {
    this.#m = m;
    this.#figures = figures;
  }

  *readRequests(incoming: Incoming): Reading {
    const m = this.#m;
    const at = { channel: 'fault', direction: 'to-source' } as const;
    for (;;) {
      const header = yield* nextHeader({ m, figures: this.#figures, at, incoming });
      if (header === undefined) return;
      if (header.type !== REQUEST) {
        m.violates('2', header.place, 'a request', `type ${header.type}`);
        return;
      }
      if (!checkBare(m, header)) return;
      this.#figures.records.request += 1;
      this.#checkRequest(Number(header.value), header.place);
    }
  }

  #checkRequest(page: number, place: Place): void {
    const m = this.#m;
    if (m.switchover?.postCopy !== true) {
      m.violates('6.1', place, 'nothing on the fault channel without post-copy', `a request`);
    }
    if (m.spaceOf(page) === undefined) {
      m.violates('2.2', place, `a page below ${m.pages}`, `page ${page}`);
      return;
    }
    if (this.#asked.has(page))
      m.violates('2.3', place, 'each page asked for once', `page ${page} again`);
    // The source reads a request once it has answered the one before: what it captured has them in that order.
    const waiting = this.#waiting.some();
    if (m.side === 'source' && waiting !== undefined) {
      m.violates('2.3', place, `the answer to the request for page ${waiting}`, 'the next request');
      this.#waiting.delete(waiting);
    }
    this.#asked.add(page);
    this.#waiting.add(page);
  }

  *readAnswers(incoming: Incoming): Reading {
    const m = this.#m;
    const at = { channel: 'fault', direction: 'to-destination' } as const;
    const source = { m, figures: this.#figures, at, incoming };
    for (;;) {
      const header = yield* nextHeader(source);
      if (header === undefined) return;
      if (header.type !== PAGES) {
        m.violates('2', header.place, 'a pages record', `type ${header.type}`);
        return;
      }
      const table = yield* readTable(source, header);
      if (table === undefined) return;
      this.#figures.records.pages += 1;
      this.#checkAnswer(table, header.place);
      for (const entry of table) {
        const payload = yield* readPayload(source, entry);
        this.#figures.pages[entry.content] += countPages(m, entry, payload, true);
      }
    }
  }

  #checkAnswer(table: readonly Entry[], place: Place): void {
    const [entry] = table;
    const isOne = table.length === 1 && entry?.pages === 1;
    if (entry === undefined || !isOne || !['raw', 'zero'].includes(entry.content)) {
      const what = table.map(({ pages, content }) => `${pages} ${content}`).join(', ');
      this.#m.violates('2.3', place, 'one entry of one page, raw or zero', what);
    } else if (!this.#waiting.has(entry.page)) {
      this.#m.violates('2.3', place, 'an answer to a request', `page ${entry.page}, not asked for`);
    } else {
      this.#waiting.delete(entry.page);
    }
  }
}
