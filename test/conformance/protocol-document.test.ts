/** The reader follows the document: where one of them changes alone, this fails. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MOST } from '../../src/conformance/bounds.js';
import {
  CONTENT_OF,
  CONTENTS,
  type Content,
  type PayloadKind,
} from '../../src/conformance/contents.js';
import { MOST_MEMBERS } from '../../src/conformance/encodings/block.js';
import { MESSAGES } from '../../src/conformance/messages.js';
import { tablesOf, tableWith } from '../protocol/markdown-tables.js';

const document = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const tables = tablesOf(document);

/** How section 7 calls them. */
const ROWS: Readonly<Record<keyof typeof MOST, string>> = {
  pageChannels: 'page channels of a migration',
  messageBytes: 'bytes of a message',
  textCharacters: 'characters of a text',
  spaces: 'spaces',
  denseRuns: 'dense runs',
  contents: 'contents offered',
  spaceKinds: 'kinds of space offered',
  descriptionBytes: 'bytes of a description',
  stateBytes: 'bytes of state',
  entries: 'entries of a record',
  payloadBytes: "bytes of a record's payload",
  entryPages: 'pages of an entry',
  observeMs: 'milliseconds to observe a guest',
  guestCallMs: 'milliseconds that a destination grants a call into its guest',
};

/** `a`, `b` {`c`} and `d` [{`e`}] are a, b and d. */
function topFieldsOf(cell: string): string[] {
  const flat = cell.replace(/\[?\{[^}]*\}\]?/g, '');
  return [...flat.matchAll(/`(\w+)`/g)].map(([, name]) => name as string);
}

/** How section 2.1 writes what a payload is. */
const PAYLOADS: Readonly<Record<PayloadKind, string>> = {
  none: '0',
  pages: '`pages` × `pageBytes`',
  word: '8',
  bitmap: '0 or ⌈`pages` ÷ 8⌉',
  block: 'block',
};

/** The row of a content in section 2.1, but for its number and its meaning. */
function rowOf(name: Content) {
  const { mostPages, payload, needsBase } = CONTENTS[name];
  return {
    name,
    pages: `1 … ${mostPages}`,
    payload: PAYLOADS[payload],
    base: needsBase ? 'yes' : 'no',
  };
}

describe('docs/protocol.md and its independent reader', () => {
  it.each(Object.entries(ROWS))('have the same bound: %s', (name, row) => {
    const rows = tableWith(tables, ['what a peer decides', 'most', 'beyond that']);
    const found = rows.find((one) => one['what a peer decides'] === row);
    expect(found?.['most']?.match(/\d+/g)?.at(-1)).toBe(String(MOST[name as keyof typeof MOST]));
  });

  it.each([
    ['to-destination', '### 3.1'],
    ['to-source', '### 3.2'],
  ] as const)('have the same messages %s, with the same fields', (direction, section) => {
    const rows = tableWith(tables, ['type', 'fields', 'meaning'], section);
    const written = rows.map(({ type = '', fields = '' }) => [type, topFieldsOf(fields).sort()]);
    const read = Object.entries(MESSAGES[direction]).map(([type, { names }]) => [
      type,
      // Said in the meaning of `opened`, since it may be left out.
      names.filter((name) => name !== 'faultPathReason').sort(),
    ]);
    expect(Object.fromEntries(read)).toEqual(Object.fromEntries(written));
  });

  it('have the same contents, with the same rules', () => {
    const rows = tableWith(tables, ['content', 'name', 'pages', 'payload', 'base', 'meaning']);
    const written = rows.map(({ content, name, pages, payload, base }) => [
      content,
      { name, pages, payload, base },
    ]);
    const read = Object.entries(CONTENT_OF).map(([number, name]) => [number, rowOf(name)]);
    expect(Object.fromEntries(read)).toEqual(Object.fromEntries(written));
  });

  it('have the same number of members', () => {
    const rows = tableWith(tables, ['offset', 'bytes', 'field', 'meaning'], '### 2.1');
    const { meaning } = rows.find(({ field }) => field === 'members') ?? {};
    expect(meaning).toContain(`1 … ${MOST_MEMBERS};`);
  });
});
