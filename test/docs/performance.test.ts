import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { number, targetText } from '#bench/report/format.js';
import { readResult } from '#bench/result/file.js';
import type { MeasuredRow } from '#bench/result/schema.js';
import { tableRowsOf } from './markdown.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
const results = ['quick', 'peers'].map((suite) =>
  readResult(join(root, `bench/results/${suite}.json`)),
);

function judged({ target, ratio, measured, unit }: MeasuredRow): string {
  if (target?.figure === 'ratio' && ratio !== null) return number(ratio.median);
  return `${number(measured.median)} ${unit}`;
}

/** Every row of the results that has a target and that the table has not, with its figure and its verdict. */
function missingIn(text: string): string[] {
  const lines = tableRowsOf(text);
  return results.flatMap(({ suite, environment, rows }, i) => {
    const said = lines.some(
      (cells) => cells[0] === suite && cells[2] === environment.commit?.slice(0, 7),
    );
    const missing = rows.flatMap((row) => {
      if (row.status !== 'measured' || row.target === null) return [];
      const figure = judged(row);
      const target = targetText(row.target, row.unit).replace(' ×', '');
      const isThere = lines.some(
        ([, wanted, quick, peers, met]) =>
          wanted === target &&
          new RegExp(`(?<![\\d.])${figure}(?![\\d.])`).test([quick, peers][i] ?? '') &&
          (row.met === true || met === '**no**'),
      );
      return isThere ? [] : [`${row.key}: ${target}, ${figure}, met: ${row.met}`];
    });
    return said ? missing : [`${suite} is of ${environment.commit}`, ...missing];
  });
}

describe('docs/performance.md', () => {
  it('has every target of the recorded runs, with its figure, and which were missed', () => {
    expect(missingIn(page)).toEqual([]);
  });
});

describe('the look at docs/performance.md', () => {
  it.each([
    ['a figure', '| 1.46 ms; QEMU', '| 1.26 ms; QEMU'],
    ['a target', '| ≤ 700 ms |', '| ≤ 600 ms |'],
    ['a missed target that is said to be met', '| 1.94 | **no** |', '| 1.94 | yes |'],
    [
      'the commit of a run',
      '`npx pageferry bench peers` | d7944be',
      '`npx pageferry bench peers` | 0879bea',
    ],
  ])('finds %s that is wrong', (_what, from, to) => {
    expect(page).toContain(from);
    expect(missingIn(page.replace(from, to))).not.toEqual([]);
  });
});
