/** What docs/protocol.md is compared with, and how a difference is told. */
import type { ProtocolConstants } from '../../../src/native/constants.js';
import type { destinationSchemas, sourceSchemas } from '../../../src/protocol/messages.js';
import type { Table } from '../markdown-tables.js';

export interface Code {
  readonly constants: ProtocolConstants;
  readonly sourceSchemas: typeof sourceSchemas;
  readonly destinationSchemas: typeof destinationSchemas;
}

export type Rows = Table['rows'];

export interface Document {
  readonly text: string;
  readonly tables: readonly Table[];
}

export class Differences {
  readonly found: string[] = [];

  equal(what: string, document: unknown, code: unknown): void {
    const [left, right] = [document, code].map((value) => JSON.stringify(value));
    if (left !== right) this.found.push(`${what}: the document says ${left}, the code ${right}`);
  }
}

export function sorted(values: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(values).sort(([, a], [, b]) => a - b);
}

export function namedNumbers(rows: Rows, number: string): [string, number][] {
  return rows.map((row) => [row['name'] ?? '', Number(row[number])]);
}

/** The number that the text names right after `words`. */
export function numberAfter(text: string, words: string): number {
  return Number(new RegExp(`${words}\\s*(\\d+)`).exec(text)?.[1]);
}

/** Every number in a cell. */
export function numbersIn(cell = ''): number[] {
  return [...cell.matchAll(/\d+/g)].map(([number]) => Number(number));
}

export function column(rows: Rows, name: string): string[] {
  return rows.map((row) => row[name] ?? '');
}

export function fieldNamed(rows: Rows, field: string): Readonly<Record<string, string>> {
  const row = rows.find((one) => one['field'] === field);
  if (row === undefined) throw new Error(`the document has no field '${field}'`);
  return row;
}
