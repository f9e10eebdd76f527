import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  END_REASONS,
  RECORD_KINDS,
  TRACE_LIMITS,
  TRACE_MAGIC,
  TRACE_METHODS,
  TRACE_VERSION,
} from '../../src/trace/format.js';
import { tablesOf, tableWith } from '../protocol/markdown-tables.js';

const document = readFileSync(new URL('../../docs/trace-format.md', import.meta.url), 'utf8');
const tables = tablesOf(document);

/** Two columns of a table as the constants have them. */
function numbersOf(columns: readonly string[], name: string, number: string) {
  const rows = tableWith(tables, columns);
  return Object.fromEntries(rows.map((row) => [row[name], Number(row[number])]));
}

it('docs/trace-format.md says what the code does', () => {
  expect(document).toContain(`# The trace file, version ${TRACE_VERSION}\n`);
  const head = tableWith(tables, ['field', 'value']);
  expect(head[0]?.['value']).toContain(JSON.stringify(TRACE_MAGIC).slice(1, -1));
  expect(head[1]).toEqual({ field: 'version', value: String(TRACE_VERSION) });
  const methods = ['method', 'name', 'how', 'what it misses'];
  expect(numbersOf(methods, 'name', 'method')).toEqual(TRACE_METHODS);
  expect(numbersOf(['kind', 'name', 'fields'], 'name', 'kind')).toEqual(RECORD_KINDS);
  const reasons = ['reason', 'name', 'why the recording ended'];
  expect(numbersOf(reasons, 'name', 'reason')).toEqual(END_REASONS);
  expect(numbersOf(['limit', 'most'], 'limit', 'most')).toEqual(TRACE_LIMITS);
});
