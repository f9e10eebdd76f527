/** The beginning of records, and their tables: docs/protocol.md, section 2. */

import { MOST } from './bounds.js';
import { type Content, zeroForEach } from './contents.js';
import { ENTRY_BYTES, type Entry, readEntry } from './entries.js';
import type { Incoming, Reading } from './incoming.js';
import type { Migration } from './migration.js';
import type { Place } from './violation.js';

const HEADER_BYTES = 16;
const OPTIONAL = 0x8000;
export const [PAGES, SYNC, REQUEST] = [1, 2, 3];

/** Of each kind; optional ones are skipped. */
export type RecordCounts = Record<'pages' | 'sync' | 'request' | 'optional', number>;

export class RecordFigures {
  readonly records: RecordCounts = { pages: 0, sync: 0, request: 0, optional: 0 };
  /** Pages, by what they came as; of the missing ones those that are. */
  readonly pages: Record<Content, number> = zeroForEach();
  /** Bytes of payload, by the same; bitmaps of members are among them, headers and entries are not. */
  readonly payloadBytes: Record<Content, number> = zeroForEach();
}

export interface Header {
  readonly type: number;
  readonly entries: number;
  readonly payloadBytes: number;
  readonly value: bigint;
  readonly place: Place;
}

/** Where records are read, and what about them depends on it. */
export interface Source {
  readonly m: Migration;
  readonly figures: RecordFigures;
  readonly at: Omit<Place, 'offset'>;
  readonly incoming: Incoming;
}

/** The next record that is not skipped; undefined when the rest cannot be read. */
export function* nextHeader({ m, figures, at, incoming }: Source): Reading<Header | undefined> {
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
export function checkBare(m: Migration, { entries, payloadBytes, place }: Header): boolean {
  if (entries === 0 && payloadBytes === 0) return true;
  m.violates('2', place, 'no entries and no payload', `${entries} entries, ${payloadBytes} bytes`);
  return false;
}

/** The table of a pages record; undefined when it is not right, and its payload therefore unknown. */
export function* readTable(source: Source, header: Header): Reading<readonly Entry[] | undefined> {
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
