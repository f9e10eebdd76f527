/** Section 1: preambles, features, the id. */

import { tableWith } from '../markdown-tables.js';
import {
  type Code,
  column,
  type Differences,
  type Document,
  namedNumbers,
  numberAfter,
  sorted,
} from './code.js';
import { compareLayout, meaningOf } from './layouts.js';

export function compareConnections(
  differences: Differences,
  document: Document,
  { constants }: Code,
): void {
  const { text, tables } = document;
  const preamble = compareLayout(
    differences,
    document,
    { name: 'the preamble', bytes: constants.preambleBytes, column: 'value' },
    'The side that connects',
  );
  compareLayout(
    differences,
    document,
    { name: "the preamble's answer", bytes: constants.preambleReplyBytes, column: 'value' },
    'The destination answers with',
  );
  const said = (words: string) => numberAfter(text, words);
  differences.equal('preamble', said('The side that connects sends'), constants.preambleBytes);
  differences.equal('answer', said('The destination answers with'), constants.preambleReplyBytes);
  differences.equal('judged', said('as soon as the first'), constants.preambleHeadBytes);
  differences.equal('judged', said('or the first'), constants.preambleReplyHeadBytes);
  const magic = /`((?:[0-9a-f]{2} ?)+)`/.exec(meaningOf(preamble, 'magic', 'value'))?.[1];
  const bytes = Buffer.from(constants.magic).toString('hex');
  differences.equal('magic', magic, bytes.replace(/(..)(?=.)/g, '$1 '));
  const version = Number(meaningOf(preamble, 'version', 'value'));
  differences.equal('version', version, constants.version);
  const roles = [...meaningOf(preamble, 'role', 'value').matchAll(/(\d+) (\w+)/g)];
  differences.equal(
    'roles',
    roles.map(([, number, name]) => [name, Number(number)]),
    sorted(constants.roles),
  );
  const flags = [...meaningOf(preamble, 'flags', 'value').matchAll(/bit (\d+) (\w+)/g)];
  differences.equal(
    'flags',
    flags.map(([, bit, name]) => [name, Number(bit)]),
    sorted(constants.flags),
  );
  const statuses = tableWith(tables, ['status', 'name', 'meaning']);
  differences.equal('statuses', namedNumbers(statuses, 'status'), sorted(constants.statuses));
  const features = tableWith(tables, ['bit', 'name', 'meaning']);
  differences.equal('features', namedNumbers(features, 'bit'), sorted(constants.features));
  differences.equal(
    'names of features',
    column(features, 'name').length,
    new Set(column(features, 'name')).size,
  );
}
