import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tablesOf, tableWith } from '../protocol/markdown-tables.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const document = read('docs/image-format.md');
const header = read('native/image/image_format.h');
const tables = tablesOf(document);

/** `kMaxImagePages = 5` or `kComplete = 0` of the header, by the name without its first letters. */
function constants(pattern: RegExp): Record<string, number> {
  return Object.fromEntries(
    [...header.matchAll(pattern)].map(([, name = '', value]) => [name, Number(value)]),
  );
}

/** `kProcessEnded` as `process-ended`. */
function kebab(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function members(name: string): Record<string, number> {
  const body = new RegExp(`enum class ${name} [^{]*\\{([^}]*)\\}`).exec(header)?.[1] ?? '';
  return Object.fromEntries(
    [...body.matchAll(/k(\w+) = (\d+)/g)].map(([, member = '', value]) => [
      kebab(member),
      Number(value),
    ]),
  );
}

function numbersOf(columns: readonly string[], name: string, number: string) {
  const rows = tableWith(tables, columns);
  return Object.fromEntries(rows.map((row) => [row[name], Number(row[number])]));
}

it('docs/image-format.md says what the code does', () => {
  expect(document).toContain(
    `# The image file, version ${constants(/(kImageVersion) = (\d+)/g)['kImageVersion']}\n`,
  );
  const limits = constants(/kMaxImage(\w+) = (\d+)/g);
  const lower = Object.entries(limits).map(([name, value]) => [
    name.charAt(0).toLowerCase() + name.slice(1),
    value,
  ]);
  expect(lower).toHaveLength(6);
  expect(numbersOf(['limit', 'most'], 'limit', 'most')).toEqual(Object.fromEntries(lower));
  const ends = ['end', 'name', 'why there are no more snapshots'];
  expect(numbersOf(ends, 'name', 'end')).toEqual(members('ImageEnd'));
  const { no, ...leftOut } = members('LeftOut');
  expect(no).toBe(0);
  expect(numbersOf(['left out', 'name', 'which'], 'name', 'left out')).toEqual(leftOut);
});

it('the fields of each structure follow each other, and fill it', () => {
  const layouts = tables.filter(({ rows }) => rows[0] !== undefined && 'offset' in rows[0]);
  const sizes = layouts.map(({ rows }) => {
    let end = 0;
    for (const row of rows) {
      expect(Number(row['offset'])).toBe(end);
      end += Number(row['bytes']);
    }
    return end;
  });
  const asserted = [...header.matchAll(/sizeof\(\w+\) == (\d+)/g)].map(([, size]) => Number(size));
  expect(sizes).toEqual(asserted);
});
