/** Compares docs/protocol.md with the constants and the schemas that the code uses, both ways. */
import { ERROR_CODES } from '../../src/errors.js';
import type { ProtocolConstants } from '../../src/native/binding.js';
import { MAX_MESSAGE_BYTES, MAX_STATE_BYTES } from '../../src/protocol/framing.js';
import {
  type destinationSchemas,
  MAX_OBSERVE_MS,
  MAX_REGIONS,
  MAX_TEXT,
  type sourceSchemas,
} from '../../src/protocol/messages.js';
import { type Table, tablesOf, tableWith } from './markdown-tables.js';

export interface Code {
  readonly constants: ProtocolConstants;
  readonly sourceSchemas: typeof sourceSchemas;
  readonly destinationSchemas: typeof destinationSchemas;
}

type Rows = Table['rows'];

/** The parts of a valibot schema that this looks at. */
interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
}

class Differences {
  readonly found: string[] = [];

  equal(what: string, document: unknown, code: unknown): void {
    const [left, right] = [document, code].map((value) => JSON.stringify(value));
    if (left !== right) this.found.push(`${what}: the document says ${left}, the code ${right}`);
  }
}

function sorted(values: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(values).sort(([, a], [, b]) => a - b);
}

function namedNumbers(rows: Rows, number: string): [string, number][] {
  return rows.map((row) => [row['name'] ?? '', Number(row[number])]);
}

/** Every number that the text names right after `words`. */
function numberAfter(text: string, words: string): number {
  return Number(new RegExp(`${words}\\s*(\\d+)`).exec(text)?.[1]);
}

function fieldNamed(rows: Rows, field: string): Readonly<Record<string, string>> {
  const row = rows.find((one) => one['field'] === field);
  if (row === undefined) throw new Error(`the document has no field '${field}'`);
  return row;
}

/** Fields lie one behind the other and make up the whole structure. */
function compareLayout(differences: Differences, what: string, rows: Rows, bytes: number): void {
  let offset = 0;
  for (const row of rows) {
    differences.equal(`offset of '${row['field']}' in ${what}`, Number(row['offset']), offset);
    offset += Number(row['bytes']);
  }
  differences.equal(`bytes of ${what}`, offset, bytes);
}

function compareConnections(differences: Differences, tables: Table[], code: Code): void {
  const { constants } = code;
  const layout = ['offset', 'bytes', 'field', 'value'];
  const preamble = tableWith(tables, layout, 'The side that connects');
  const reply = tableWith(tables, layout, 'The destination answers with');
  compareLayout(differences, 'the preamble', preamble, constants.preambleBytes);
  compareLayout(differences, "the preamble's answer", reply, constants.preambleReplyBytes);
  const magic = /`((?:[0-9a-f]{2} ?)+)`/.exec(fieldNamed(preamble, 'magic')['value'] ?? '')?.[1];
  differences.equal(
    'magic',
    magic,
    Buffer.from(constants.magic)
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1 '),
  );
  differences.equal('version', Number(fieldNamed(preamble, 'version')['value']), constants.version);
  const roles = [...(fieldNamed(preamble, 'role')['value'] ?? '').matchAll(/(\d+) (\w+)/g)];
  differences.equal(
    'roles',
    roles.map(([, number, name]) => [name, Number(number)]),
    sorted(constants.roles),
  );
  const statuses = tableWith(tables, ['status', 'name', 'meaning']);
  differences.equal('statuses', namedNumbers(statuses, 'status'), sorted(constants.statuses));
}

function compareRecords(differences: Differences, tables: Table[], text: string, code: Code): void {
  const { constants } = code;
  const layout = ['offset', 'bytes', 'field', 'meaning'];
  const header = tableWith(tables, layout, 'A record is a');
  const entry = tableWith(tables, layout, 'Table entries of a pages record');
  compareLayout(differences, 'the record header', header, constants.recordHeaderBytes);
  compareLayout(differences, 'a table entry', entry, constants.tableEntryBytes);
  const most = (rows: Rows, field: string) =>
    numberAfter(fieldNamed(rows, field)['meaning'] ?? '', 'at most');
  differences.equal('entries of a record', most(header, 'entries'), constants.maxEntries);
  differences.equal('payload of a record', most(header, 'payloadBytes'), constants.maxPayloadBytes);
  const pages = numberAfter(fieldNamed(entry, 'pages')['meaning'] ?? '', '1 …');
  differences.equal('pages of an entry', pages, constants.maxPagesPerEntry);
  const types = tableWith(tables, ['type', 'name', 'direction', 'entries', 'value']);
  differences.equal('record types', namedNumbers(types, 'type'), sorted(constants.recordTypes));
  const entries = types.map((row) => numberAfter(row['entries'] ?? '', '(?:1 …|^)'));
  differences.equal('entries by record type', entries, [constants.maxEntries, 0, 0]);
  const contents = tableWith(tables, ['content', 'name', 'payload']);
  differences.equal('contents', namedNumbers(contents, 'content'), sorted(constants.contents));
  differences.equal('stripe', numberAfter(text, '⌊page ÷'), constants.stripePages);
  const factor = text.match(/× (0x[0-9a-f]+) mod 2⁶⁴/)?.[1];
  differences.equal('stripe factor', factor, `0x${constants.stripeFactor.toString(16)}`);
}

/** Top-level fields of a document's cell, and in brackets those of a list's items. */
function documentFields(cell: string): string[] {
  const nested = cell.replace(/`(\w+)` \[\{([^}]*)\}\]/g, (_all, list: string, items: string) =>
    [
      `\`${list}\``,
      ...[...items.matchAll(/`(\w+)`/g)].map(([, item]) => `\`${list}.${item}\``),
    ].join(),
  );
  return [...nested.matchAll(/`([\w.]+)`/g)].map(([, field]) => field ?? '');
}

/** Fields of a message's schema, those it must have and those it may have. */
function schemaFields(schema: AnySchema): { required: string[]; optional: string[] } {
  const fields: { required: string[]; optional: string[] } = { required: [], optional: [] };
  for (const [field, value] of Object.entries(schema.entries ?? {})) {
    if (field === 'type') continue;
    (value.type === 'optional' ? fields.optional : fields.required).push(field);
    const items = Object.keys(value.item?.entries ?? {});
    fields.required.push(...items.map((item) => `${field}.${item}`));
  }
  return fields;
}

function compareMessages(
  differences: Differences,
  rows: Rows,
  schemas: Readonly<Record<string, AnySchema>>,
  side: string,
): void {
  differences.equal(
    `messages of the ${side}`,
    rows.map((row) => row['type']),
    Object.keys(schemas),
  );
  for (const row of rows) {
    const type = row['type'] ?? '';
    const schema = schemas[type];
    if (schema === undefined) continue;
    const { required, optional } = schemaFields(schema);
    differences.equal(`fields of ${type}`, documentFields(row['fields'] ?? ''), required);
    for (const field of optional) {
      const explained = row['meaning']?.includes(`\`${field}\``) ?? false;
      differences.equal(`optional field ${field} of ${type} is explained`, explained, true);
    }
  }
}

/** Each way in which the document and the code disagree, in a sentence; none when they agree. */
export function differencesBetween(document: string, code: Code): string[] {
  const differences = new Differences();
  const tables = tablesOf(document);
  const title = numberAfter(document, '# The migration protocol, version');
  differences.equal('version in the title', title, code.constants.version);
  compareConnections(differences, tables, code);
  compareRecords(differences, tables, document, code);
  const longest = numberAfter(document, 'A message is a 4-byte length \\(at most');
  differences.equal('bytes of a message', longest, MAX_MESSAGE_BYTES);
  const longestState = numberAfter(document, 'the longest `state` that is taken, at most');
  differences.equal('bytes of a state', longestState, MAX_STATE_BYTES);
  const longestText = numberAfter(document, 'A text is at most');
  differences.equal('characters of a text', longestText, MAX_TEXT);
  differences.equal('regions', numberAfter(document, 'of 1 …'), MAX_REGIONS);
  const longestLook = numberAfter(document, 'let the guest run that long, at most');
  differences.equal('longest look', longestLook, MAX_OBSERVE_MS);
  const columns = ['type', 'fields', 'meaning'];
  const fromSource = tableWith(tables, columns, 'Source to destination:');
  const fromDestination = tableWith(tables, columns, 'Destination to source:');
  compareMessages(differences, fromSource, code.sourceSchemas, 'source');
  compareMessages(differences, fromDestination, code.destinationSchemas, 'destination');
  for (const [, code] of document.matchAll(/`([A-Z]{3,}(?:_[A-Z]+)*)(?<!PGFERRY)`/g)) {
    differences.equal(
      `error code ${code} exists`,
      ERROR_CODES.some((one) => one === code),
      true,
    );
  }
  return differences.found;
}
