import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { destinationSchemas, sourceSchemas } from '../../src/protocol/messages.js';
import { differencesBetween } from './document-differences.js';

const document = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const code = { constants: binding.protocolConstants(), sourceSchemas, destinationSchemas };

/** The document with one thing in it changed. */
function changed(from: string, to: string): string {
  if (document.split(from).length < 2) throw new Error(`the document does not say '${from}'`);
  return document.replace(from, to);
}

describe('docs/protocol.md', () => {
  it('says what the code does', () => {
    expect(differencesBetween(document, code)).toEqual([]);
  });
});

describe('the comparison of document and code', () => {
  it.each([
    ['magic', '50 47 46', '50 47 47'],
    ['version', '| 8 | 2 | version | 1 |', '| 8 | 2 | version | 2 |'],
    ['version in the title', 'protocol, version 1', 'protocol, version 2'],
    ['roles', '2 page, 3 fault', '3 page, 2 fault'],
    ['an offset', '| 12 | 4 | channel |', '| 11 | 4 | channel |'],
    ['bytes of the preamble', '| 16 | 16 | migration id |', '| 16 | 8 | migration id |'],
    ["bytes of the preamble's answer", '| 12 | 4 | reserved | 0 |', '| 12 | 8 | reserved | 0 |'],
    ['statuses', '| 3 | busy |', '| 4 | busy |'],
    ['a status name', '| 2 | unknown-migration |', '| 2 | no-such-migration |'],
    ['entries of a record', 'at most 512', 'at most 256'],
    ['payload of a record', 'at most 4194304', 'at most 1048576'],
    ['bytes of the record header', '| 8 | 8 | value |', '| 8 | 4 | value |'],
    ['record types', '| 3 | request |', '| 4 | request |'],
    ['entries by record type', '| 1 … 512 | 0 |', '| 1 … 511 | 0 |'],
    ['pages of an entry', '1 … 65535', '1 … 65536'],
    ['contents', '| 2 | lz4 |', '| 3 | lz4 |'],
    ['stripe', '⌊page ÷ 1024⌋', '⌊page ÷ 512⌋'],
    ['stripe factor', '0x9e3779b97f4a7c15', '0x9e3779b97f4a7c17'],
    ['bytes of a message', 'at most 262144', 'at most 16777216'],
    ['bytes of a state', 'at most 268369920', 'at most 1'],
    ['characters of a text', 'at most 4096 characters', 'at most 4095 characters'],
    ['regions', '1 … 4096 regions', '1 … 5000 regions'],
    ['a longest look', 'at most 600000 ms', 'at most 6000 ms'],
    ['a message that only the document has', '| bye | | the', '| hello | | |\n| bye | | the'],
    ['a message that only the code has', '| ready | |', '| prepared | |'],
    ['a field that only the document has', '| pushed | `sync` |', '| pushed | `sync`, `pages` |'],
    ['a field that only the code has', '`channels`, `populatedBytes`', '`channels`'],
    ['a field of a list', '[{`bytes`, `pageBytes`}]', '[{`bytes`}]'],
    ['an optional field', '`faultPathReason` why not', 'and why not'],
    ['an error code', '`SWITCHOVER_UNCONFIRMED`', '`SWITCHOVER_UNKNOWN`'],
  ])('notices another %s', (_what, from, to) => {
    expect(differencesBetween(changed(from, to), code)).toHaveLength(1);
  });

  it('notices a constant that only the code has', () => {
    const contents = { ...code.constants.contents, delta: 3 };
    const constants = { ...code.constants, contents };
    expect(differencesBetween(document, { ...code, constants })).toHaveLength(1);
  });
});
