import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { destinationSchemas, sourceSchemas } from '../../src/protocol/messages.js';
import { differencesBetween } from './document/differences.js';

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
    ['version', '| 8 | 2 | version | 2 |', '| 8 | 2 | version | 3 |'],
    ['version in the title', 'protocol, version 2', 'protocol, version 3'],
    ['roles', '2 page, 3 fault', '3 page, 2 fault'],
    ['flag', 'bit 0 resume', 'bit 1 resume'],
    ['an offset', '| 12 | 4 | channel |', '| 11 | 4 | channel |'],
    ["bytes of the preamble's answer", 'answers with 24 bytes', 'answers with 16 bytes'],
    ['bytes of a preamble that are judged', 'as soon as the first 10', 'as soon as the first 8'],
    ['a field in a diagram', '|version    |role |flags|', '|version    |flags|role |'],
    ['width in a diagram', '|type       |entries    |', '|type |entries          |'],
    ['statuses', '| 3 | busy |', '| 9 | busy |'],
    ['a status name', '| 2 | unknown-migration |', '| 2 | no-such-migration |'],
    ['features', '| 0 | query |', '| 1 | query |'],
    ['a feature', '| 0 | query |', '| 0 | query |  |\n| 1 | resume |'],
    ['bytes of an id', 'The id is 16 bytes', 'The id is 8 bytes'],
    ['entries of a record', 'table entries, at most 512', 'table entries, at most 256'],
    ['payload of a record', 'payloadBytes | at most 4194304', 'payloadBytes | at most 1048576'],
    ['record types', '| 3 | request |', '| 4 | request |'],
    ['the optional bit', '(0x8000)', '(0x4000)'],
    ['entries by record type', '| 1 … 512 | 0 |', '| 1 … 511 | 0 |'],
    ['pages of an entry', 'number of pages, 1 … 65535', 'number of pages, 1 … 65536'],
    ['contents', '| 2 | lz4 |', '| 12 | lz4 |'],
    ['pages of a content', '| 2 | lz4 | 1 … 1024 |', '| 2 | lz4 | 1 … 16 |'],
    ['a payload', '| 1 … 1024 | block | no | one LZ4', '| 1 … 1024 | 8 | no | one LZ4'],
    ['a base', '| block | no | one zstd', '| block | yes | one zstd'],
    ['members of an entry', 'pages it holds, 1 … 64', 'pages it holds, 1 … 16'],
    ['members of a block', '| members of a block | 64 |', '| members of a block | 16 |'],
    ['a kind of space', '| ram | guest memory', '| disk | blocks |\n| ram | guest memory'],
    ['stripe', '⌊page ÷ 1024⌋', '⌊page ÷ 512⌋'],
    ['stripe factor', '0x9e3779b97f4a7c15', '0x9e3779b97f4a7c17'],
    ['bytes of a message', '4-byte length (at most 262144)', '4-byte length (at most 16777216)'],
    ['bytes of a state', 'is taken, at most 268369920', 'is taken, at most 1'],
    ['characters of a text', 'at most 4096 characters', 'at most 4095 characters'],
    ['spaces', '1 … 4096 spaces', '1 … 5000 spaces'],
    ['dense runs', '`dense` names at most 256', '`dense` names at most 255'],
    ['a longest look', 'at most 600000 ms', 'at most 6000 ms'],
    ['a message that only the document has', '| bye | | the', '| hello | | |\n| bye | | the'],
    ['a message that only the code has', '| ready | |', '| prepared | |'],
    ['a field that only the document has', '| pushed | `sync` |', '| pushed | `sync`, `pages` |'],
    ['a field that only the code has', '`channels`, `populatedBytes`', '`channels`'],
    ['a field of a list', '[{`page`, `pages`}]', '[{`page`}]'],
    ['a field of a map', '`offers` {`contents`, `spaceKinds`', '`offers` {`contents`, `spaces`'],
    ['a field of a map that may be null', '{`opsPerSecond`}', '{`opsPerMinute`}'],
    ['an optional field', '`faultPathReason` why not', 'and why not'],
    ['contents that may be offered', '| contents | at most 256', '| contents | at most 255'],
    ['outcomes', '| lost | it ended', '| gone | it ended'],
    ['an error code', '`SWITCHOVER_UNCONFIRMED`', '`SWITCHOVER_UNKNOWN`'],
    ['a state of the destination', '| ready | `ready` |', '| waiting | `ready` |'],
    [
      'a deadline of the destination',
      'and the preamble | 5 seconds |',
      '| the preamble | 6 seconds |',
    ],
    ['a state of the source', '| finish | `complete` |', '| end | `complete` |'],
    ['a deadline of the source', 'for each 1024 bytes', 'for each 1000 bytes'],
    ['the stall timeout', '(30 seconds by default,', '(30 seconds by default, or'],
    ['the switchover timeout', '(3 seconds by default)', '(4 seconds by default)'],
    ['a bound', '| dense runs | 256 |', '| dense runs | 255 |'],
    ['what is bounded', '| dense runs | 256 |', '| runs | 256 |'],
    ['a default bound', '| *256* |', '| *512* |'],
  ])('notices another %s', (_what, from, to) => {
    expect(differencesBetween(changed(from, to), code)).toHaveLength(1);
  });

  it('notices a constant that only the code has', () => {
    const delta = { ...code.constants.contents.lz4, id: 13, needsBase: true };
    const contents = { ...code.constants.contents, delta };
    const constants = { ...code.constants, contents };
    expect(differencesBetween(document, { ...code, constants })).toHaveLength(1);
  });
});
