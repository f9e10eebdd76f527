import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  BLOCK_DIRECTIONS,
  BLOCK_HEAD_BYTES,
  BLOCK_ROLES,
  CAPTURE_HEAD_BYTES,
  CAPTURE_MAGIC,
  CAPTURE_SIDES,
  CAPTURE_VERSION,
  MOST_BLOCK_BYTES,
  MOST_CHANNEL,
} from '../../src/conformance/capture.js';
import { tablesOf } from '../protocol/markdown-tables.js';

const document = readFileSync(new URL('../../docs/capture-format.md', import.meta.url), 'utf8');
const [head = [], block = []] = tablesOf(document).map(({ rows }) => rows);

function fieldOf(rows: typeof head, field: string): string {
  return rows.find((row) => row['field'] === field)?.['value'] ?? '';
}

/** The fields follow each other without gaps. Answers where they end. */
function endOf(rows: typeof head): number {
  return rows.reduce((end, { offset, bytes }) => {
    expect(Number(offset)).toBe(end);
    return end + Number(bytes);
  }, 0);
}

it('docs/capture-format.md says what the reader does', () => {
  expect(document).toContain(`# The capture file, version ${CAPTURE_VERSION}\n`);
  expect(endOf(head)).toBe(CAPTURE_HEAD_BYTES);
  expect(endOf(block)).toBe(BLOCK_HEAD_BYTES);
  const magic = /`([0-9a-f ]+)`/.exec(fieldOf(head, 'magic'))?.[1]?.replaceAll(' ', '') ?? '';
  expect(Buffer.from(magic, 'hex').toString('latin1')).toBe(CAPTURE_MAGIC);
  expect(fieldOf(head, 'version')).toBe(String(CAPTURE_VERSION));
  for (const [side, number] of Object.entries(CAPTURE_SIDES)) {
    expect(fieldOf(head, 'side')).toContain(`${number} ${side}`);
  }
  for (const [role, number] of Object.entries(BLOCK_ROLES)) {
    const written = role === 'end' ? `${number} for the end` : `${number} ${role}`;
    expect(fieldOf(block, 'role')).toContain(written);
  }
  for (const [direction, number] of Object.entries(BLOCK_DIRECTIONS)) {
    const written = direction.replace('to-', 'to the ');
    expect(fieldOf(block, 'direction')).toContain(`${number} ${written}`);
  }
  expect(fieldOf(block, 'number')).toContain(`at most ${MOST_CHANNEL};`);
  expect(fieldOf(block, 'length')).toContain(`1 … ${MOST_BLOCK_BYTES};`);
});
