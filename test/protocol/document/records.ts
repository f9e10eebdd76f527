/** Section 2: records, contents, spaces; and the order of records in section 5. */
import type { PayloadRule } from '../../../src/native/contents.js';
import { SPACE_KINDS } from '../../../src/protocol/offers.js';
import { tableWith } from '../markdown-tables.js';
import {
  type Code,
  column,
  type Differences,
  type Document,
  namedNumbers,
  numberAfter,
  type Rows,
  sorted,
} from './code.js';
import { compareLayout, meaningOf } from './layouts.js';

const PAYLOADS: Readonly<Record<PayloadRule, string>> = {
  pages: '`pages` × `pageBytes`',
  none: '0',
  word: '8',
  block: 'block',
  bitmap: '0 or ⌈`pages` ÷ 8⌉',
};

export function compareRecords(differences: Differences, document: Document, code: Code): void {
  const { constants } = code;
  const { text, tables } = document;
  const header = compareLayout(
    differences,
    document,
    { name: 'the record header', bytes: constants.recordHeaderBytes, column: 'meaning' },
    'A record is a',
  );
  const entry = compareLayout(
    differences,
    document,
    { name: 'a table entry', bytes: constants.tableEntryBytes, column: 'meaning' },
    'Table entries of a pages record',
  );
  const most = (rows: Rows, field: string) =>
    numberAfter(meaningOf(rows, field, 'meaning'), 'at most');
  differences.equal('entries of a record', most(header, 'entries'), constants.maxEntries);
  differences.equal('payload of a record', most(header, 'payloadBytes'), constants.maxPayloadBytes);
  const pages = numberAfter(meaningOf(entry, 'pages', 'meaning'), '1 …');
  const members = numberAfter(meaningOf(entry, 'members', 'meaning'), '1 …');
  differences.equal('members of an entry', members, constants.maxMembers);
  differences.equal('pages of an entry', pages, constants.maxPagesPerEntry);
  const types = tableWith(tables, ['type', 'name', 'direction', 'entries', 'value']);
  differences.equal('record types', namedNumbers(types, 'type'), sorted(constants.recordTypes));
  const entries = column(types, 'entries').map((cell) => numberAfter(cell, '(?:1 …|^)'));
  differences.equal('entries by record type', entries, [constants.maxEntries, 0, 0]);
  const optional = /Bit 15 of the type \((0x[0-9a-f]+)\)/.exec(text)?.[1];
  differences.equal('the optional bit', optional, `0x${constants.optionalBit.toString(16)}`);
  compareContents(differences, document, code);
  differences.equal(
    'kinds of space',
    column(tableWith(tables, ['kind', 'pages']), 'kind'),
    SPACE_KINDS,
  );
  differences.equal('stripe', numberAfter(text, '⌊page ÷'), constants.stripePages);
  const factor = text.match(/× (0x[0-9a-f]+) mod 2⁶⁴/)?.[1];
  differences.equal('stripe factor', factor, `0x${constants.stripeFactor.toString(16)}`);
}

function compareContents(
  differences: Differences,
  { tables }: Document,
  { constants }: Code,
): void {
  const columns = ['content', 'name', 'pages', 'payload', 'base', 'meaning'];
  const said = tableWith(tables, columns).map((row) =>
    [row['content'], row['name'], row['pages'], row['payload'], row['base']].join('; '),
  );
  const yes = (is: boolean) => (is ? 'yes' : 'no');
  const done = Object.entries(constants.contents).map(([name, content]) =>
    [
      content.id,
      name,
      content.mostPages === 1 ? '1' : `1 … ${content.mostPages}`,
      PAYLOADS[content.payload],
      yes(content.needsBase),
    ].join('; '),
  );
  differences.equal('contents', said, done);
}
