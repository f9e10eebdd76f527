/** Table entries of a pages record: docs/protocol.md, section 2.1. */
import { MOST } from './bounds.js';
import { CONTENT_OF, CONTENTS, type Content } from './contents.js';
import { MOST_MEMBERS } from './encodings/block.js';
import { bitmapBytes } from './members.js';
import { type Migration, STRIPE_PAGES } from './migration.js';
import type { Place } from './violation.js';

export const ENTRY_BYTES = 16;

export interface Entry {
  readonly page: number;
  readonly payloadBytes: number;
  readonly pages: number;
  readonly content: Content;
  /** Of a block; 0 for the others. */
  readonly members: number;
  readonly pageBytes: number;
  readonly place: Place;
}

/** What is wrong about an entry. */
type Complaint = readonly [section: string, expected: string, found: string];

/** Undefined where it is not right, which is said then. */
export function readEntry(m: Migration, bytes: Buffer, place: Place): Entry | undefined {
  const [page, pages] = [Number(bytes.readBigUInt64LE(0)), bytes.readUInt16LE(12)];
  const number = bytes.readUInt8(14);
  const content = CONTENT_OF[number];
  const space = m.spaceOf(page);
  const wrong = (...[section, expected, found]: Complaint) => {
    m.violates(section, place, expected, found);
    return undefined;
  };
  if (pages === 0) return wrong('2.1', `1 to ${MOST.entryPages} pages`, '0');
  if (content === undefined) return wrong('2.1', 'a content that there is', `${number}`);
  if (space === undefined) return wrong('2.2', `a page below ${m.pages}`, `page ${page}`);
  const end = space.firstPage + space.pages;
  if (page + pages > end) {
    const section = page + pages > m.pages ? '2.2' : '2.1';
    const expected = `a run that ends by page ${end}, with its space`;
    return wrong(section, expected, `${pages} pages from ${page}`);
  }
  if (!m.accepts.has(content)) return wrong('3.3', 'a content that was accepted', content);
  const entry: Entry = {
    page,
    payloadBytes: bytes.readUInt32LE(8),
    pages,
    content,
    members: bytes.readUInt8(15),
    pageBytes: space.pageBytes,
    place,
  };
  const complaint = complaintAboutMembers(entry) ?? complaintAboutLength(entry);
  return complaint === undefined ? entry : wrong(...complaint);
}

function complaintAboutMembers({ page, pages, content, members }: Entry): Complaint | undefined {
  const { payload, mostPages } = CONTENTS[content];
  if (payload !== 'block') {
    return members === 0 ? undefined : ['2.1', `0 members of ${content} pages`, `${members}`];
  }
  if (pages > mostPages) return ['2.1', `a block over at most ${mostPages} pages`, `${pages}`];
  if (members < 1 || members > MOST_MEMBERS) {
    return ['2.1', `1 to ${MOST_MEMBERS} members`, `${members}`];
  }
  if (members > pages) return ['2.1', `at most ${pages} members of ${pages} pages`, `${members}`];
  const end = (Math.floor(page / STRIPE_PAGES) + 1) * STRIPE_PAGES;
  if (page + pages <= end) return undefined;
  const expected = `a block that ends by page ${end}, with its stripe`;
  return ['2.1', expected, `${pages} pages from ${page}`];
}

function complaintAboutLength(entry: Entry): Complaint | undefined {
  const expected = lengthExpected(entry);
  return expected === undefined ? undefined : ['2.1', expected, `${entry.payloadBytes} bytes`];
}

/** What its length must be; undefined where it is. */
function lengthExpected(entry: Entry): string | undefined {
  const { content, payloadBytes: bytes, pages, members, pageBytes } = entry;
  const { payload } = CONTENTS[content];
  switch (payload) {
    case 'pages':
      return bytes === pages * pageBytes ? undefined : `${pages * pageBytes} bytes of raw pages`;
    case 'none':
      return bytes === 0 ? undefined : 'no bytes of zero pages';
    case 'word':
      return bytes === 8 ? undefined : 'a word of 8 bytes';
    case 'block': {
      const least = bitmapBytes(entry) + 1;
      const most = least + members * pageBytes - 2;
      return bytes >= least && bytes <= most ? undefined : `${least} to ${most} bytes of a block`;
    }
    case 'bitmap': {
      const bitmap = Math.ceil(pages / 8);
      return bytes === 0 || bytes === bitmap ? undefined : `0 or ${bitmap} bytes of bitmap`;
    }
    default:
      return payload satisfies never;
  }
}
