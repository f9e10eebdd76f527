/** Structures byte for byte: a diagram and a table each, which say the same. */

import { tableWith } from '../markdown-tables.js';
import { type Differences, type Document, fieldNamed, type Rows } from './code.js';

/** Characters of a diagram for each octet. */
const OCTET = 6;

interface Field {
  readonly field: string;
  readonly bytes: number;
}

/** The fields of the diagram that the text ends with, in their order. */
function fieldsOfDiagram(text: string): Field[] {
  const blocks = text.split('```');
  const diagram = (blocks.at(-2) ?? '').split('\n').filter((line) => line.startsWith('|'));
  const fields: { field: string; bytes: number }[] = [];
  for (const cell of diagram.flatMap((line) => line.slice(1, -1).split('|'))) {
    const field = cell.trim();
    const bytes = (cell.length + 1) / OCTET;
    const last = fields.at(-1);
    // A row without a name goes on with the field above.
    if (field === '' && last !== undefined) last.bytes += bytes;
    else fields.push({ field, bytes });
  }
  return fields;
}

/** `cont.` stands for `content` where an octet has no more room. */
function isShortFor(short: string | undefined, name: string): boolean {
  if (short?.endsWith('.') !== true) return short === name;
  return name.startsWith(short.slice(0, -1));
}

/** Fields lie one behind the other and make up the whole structure, in the table and in the diagram before it. */
export function compareLayout(
  differences: Differences,
  { tables }: Document,
  structure: { readonly name: string; readonly bytes: number; readonly column: string },
  after: string,
): Rows {
  const { name, bytes } = structure;
  const columns = ['offset', 'bytes', 'field', structure.column];
  const rows = tableWith(tables, columns, after);
  let offset = 0;
  for (const row of rows) {
    differences.equal(`offset of '${row['field']}' in ${name}`, Number(row['offset']), offset);
    offset += Number(row['bytes']);
  }
  differences.equal(`bytes of ${name}`, offset, bytes);
  const before = tables.find((table) => table.rows === rows)?.before ?? '';
  const drawn = fieldsOfDiagram(before);
  const asDrawn = rows.map((row, at) => {
    const field = row['field'] ?? '';
    const named = isShortFor(drawn[at]?.field, field) ? field : (drawn[at]?.field ?? 'nothing');
    return `${named} ${drawn[at]?.bytes}`;
  });
  const asListed = rows.map((row) => `${row['field']} ${row['bytes']}`);
  const differs = asDrawn.join() !== asListed.join() || drawn.length !== rows.length;
  differences.equal(`the diagram of ${name}`, differs ? asDrawn : '', differs ? asListed : '');
  return rows;
}

export function meaningOf(rows: Rows, field: string, columnName: string): string {
  return fieldNamed(rows, field)[columnName] ?? '';
}
