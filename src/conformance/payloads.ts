/** The payload of an entry, and what becomes of its pages: docs/protocol.md, section 2.1. */
import { CONTENTS, isBlock } from './contents.js';
import { complaintAbout } from './encodings/block.js';
import { PAGE_BYTES } from './encodings/decoding.js';
import type { Entry } from './entries.js';
import type { Reading } from './incoming.js';
import { bitmapBytes, complaintAboutBitmap, pagesOf } from './members.js';
import type { Migration } from './migration.js';
import type { Source } from './record-headers.js';
import type { Place } from './violation.js';

const NOTHING: Buffer = Buffer.alloc(0);

/** `isAfter`: it came after the switchover. `round`: of a page channel. */
export function* readPayload(
  source: Source,
  entry: Entry,
  isAfter: boolean,
  round: number | null,
): Reading {
  const { m, figures, incoming } = source;
  const { content, payloadBytes } = entry;
  const place = { ...entry.place, offset: incoming.offset };
  let payload = NOTHING;
  if (CONTENTS[content].payload === 'pages') yield* incoming.skip(payloadBytes);
  else payload = yield* incoming.take(payloadBytes);
  if (isBlock(content)) checkBlock(m, entry, payload, place);
  if (CONTENTS[content].needsBase) checkBases(m, entry, payload, isAfter);
  figures.payloadBytes[content] += payloadBytes;
  for (const page of pagesOf(entry, payload)) {
    figures.pages[content] += 1;
    settle(m, page, content === 'missing', isAfter);
    if (page === m.history?.page) m.history.add(entry, round);
  }
}

/** What is known of a page from now on. A page that is missing has nothing that a delta could be of. */
function settle(m: Migration, page: number, isMissing: boolean, isAfter: boolean): void {
  if (isMissing) {
    m.residual.add(page);
    m.carried.delete(page);
  } else if (isAfter) m.residual.delete(page);
  else m.carried.add(page);
}

function checkBlock(m: Migration, entry: Entry, payload: Buffer, place: Place): void {
  const { content, members, pages, pageBytes } = entry;
  // Pages of another size were complained about when they were offered, and have no encodings.
  if (!isBlock(content) || pageBytes !== PAGE_BYTES) return;
  const bitmap = payload.subarray(0, bitmapBytes(entry));
  const complaint = bitmap.length > 0 ? complaintAboutBitmap(entry, bitmap) : undefined;
  if (complaint !== undefined) {
    m.violates('2.1', place, `a bitmap of ${members} members among ${pages} pages`, complaint);
    return;
  }
  const error = complaintAbout(content, payload.subarray(bitmap.length), members);
  if (error === undefined) return;
  const member = [...pagesOf(entry, payload)][error.member ?? -1];
  const found = member === undefined ? error.message : `page ${member}: ${error.message}`;
  const expected = `an encoding of ${members} pages in ${content}`;
  m.violates('2.1', { ...place, offset: place.offset + bitmap.length }, expected, found);
}

function checkBases(m: Migration, entry: Entry, payload: Buffer, isAfter: boolean): void {
  const { content, place } = entry;
  if (isAfter) {
    m.violates('2.1', place, 'nothing that needs a base after the switchover', content);
    return;
  }
  for (const page of pagesOf(entry, payload)) {
    if (m.carried.has(page)) continue;
    const expected = `a record with each page of a ${content} entry before it`;
    m.violates('2.1', place, expected, `page ${page}, of which none came`);
    return;
  }
}
