/** Section 3: messages, offers, outcomes. */
import { MAX_MESSAGE_BYTES, MAX_STATE_BYTES } from '../../../src/protocol/framing.js';
import {
  MAX_CONTENTS,
  MAX_DENSE_PARTS,
  MAX_DESCRIPTION_BYTES,
  MAX_GUEST_CALL_MS,
  MAX_OBSERVE_MS,
  MAX_SPACE_KINDS,
  MAX_SPACES,
  MAX_TEXT,
  OUTCOME_STATES,
} from '../../../src/protocol/messages.js';
import { MIGRATION_ID_BYTES } from '../../../src/protocol/migration-id.js';
import { tableWith } from '../markdown-tables.js';
import {
  type Code,
  column,
  type Differences,
  type Document,
  numberAfter,
  type Rows,
} from './code.js';

/** The parts of a valibot schema that this looks at. */
interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
  readonly wrapped?: AnySchema;
}

/** Top-level fields of a document's cell, and in brackets those of a map, or of a list's items. */
function documentFields(cell: string): string[] {
  const nested = cell.replace(/`(\w+)` \[?\{([^}]*)\}\]?/g, (_all, outer: string, inner: string) =>
    [
      `\`${outer}\``,
      ...[...inner.matchAll(/`(\w+)`/g)].map(([, field]) => `\`${outer}.${field}\``),
    ].join(),
  );
  return [...nested.matchAll(/`([\w.]+)`/g)].map(([, field]) => field ?? '');
}

/** Those of a map, or of a list's items. */
function innerFields({ item, wrapped, entries }: AnySchema): string[] {
  const inner = item ?? wrapped;
  return inner === undefined ? Object.keys(entries ?? {}) : innerFields(inner);
}

/** Fields of a message's schema, those it must have and those it may have. */
function schemaFields(schema: AnySchema): { required: string[]; optional: string[] } {
  const fields: { required: string[]; optional: string[] } = { required: [], optional: [] };
  for (const [field, value] of Object.entries(schema.entries ?? {})) {
    if (field === 'type') continue;
    (value.type === 'optional' ? fields.optional : fields.required).push(field);
    fields.required.push(...innerFields(value).map((inner) => `${field}.${inner}`));
  }
  return fields;
}

function compareSide(
  differences: Differences,
  rows: Rows,
  schemas: Readonly<Record<string, AnySchema>>,
  side: string,
): void {
  differences.equal(`messages of the ${side}`, column(rows, 'type'), Object.keys(schemas));
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

export function compareMessages(differences: Differences, document: Document, code: Code): void {
  const { text, tables } = document;
  const limit = (what: string, words: string, inCode: number) =>
    differences.equal(what, numberAfter(text, words), inCode);
  limit('bytes of a message', 'A message is a 4-byte length \\(at most', MAX_MESSAGE_BYTES);
  limit('bytes of a state', 'the longest `state` that is taken, at most', MAX_STATE_BYTES);
  limit('characters of a text', 'of at most', MAX_TEXT);
  limit('spaces', 'a guest with these 1 …', MAX_SPACES);
  limit('dense runs', '`dense` names at most', MAX_DENSE_PARTS);
  limit('bytes of a description', 'on the destination, in at most', MAX_DESCRIPTION_BYTES);
  limit('longest look', 'let the guest run that long, at most', MAX_OBSERVE_MS);
  limit('longest call', 'a call into the guest may take here, at most', MAX_GUEST_CALL_MS);
  limit('bytes of an id', 'The id is', MIGRATION_ID_BYTES);
  const columns = ['type', 'fields', 'meaning'];
  const fromSource = tableWith(tables, columns, '### 3.1');
  const fromDestination = tableWith(tables, columns, '### 3.2');
  compareSide(differences, fromSource, code.sourceSchemas, 'source');
  compareSide(differences, fromDestination, code.destinationSchemas, 'destination');

  const offers = tableWith(tables, ['field', 'offered and accepted']);
  const { entries } = code.sourceSchemas.open.entries.offers;
  differences.equal('what is offered', column(offers, 'field'), Object.keys(entries));
  limit('contents offered', '\\| contents \\| at most', MAX_CONTENTS);
  limit('kinds of space offered', '\\| spaceKinds \\| at most', MAX_SPACE_KINDS);
  const states = tableWith(tables, ['state', 'meaning']);
  differences.equal('outcomes', column(states, 'state'), OUTCOME_STATES);
}
