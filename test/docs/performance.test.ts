import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { number, spread, targetText } from '#bench/report/format.js';
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

/** Suites that have a section of their own. */
const SECTIONS = { tls: '## Over TLS', crowd: '## With strangers at the door' };

/** Every row of such a suite's recorded run that has a target, and whose figure and verdict its section has not. */
function missingInSection(text: string, suite: keyof typeof SECTIONS): string[] {
  const section = text.split(`${SECTIONS[suite]}\n`)[1]?.split('\n## ')[0] ?? '';
  const { environment, rows } = readResult(join(root, `bench/results/${suite}.json`));
  const commit = environment.commit?.slice(0, 7) ?? '';
  const missing = rows.flatMap((row) => {
    if (row.status !== 'measured' || row.target === null) return [];
    const ratio = row.target.figure === 'ratio' ? row.ratio : null;
    const figure = ratio === null ? spread(row.measured, row.unit) : spread(ratio);
    const verdict = row.met ? 'yes' : '**no**';
    const isThere = tableRowsOf(section).some(
      (cells) => cells.some((cell) => cell === figure) && cells.at(-1) === verdict,
    );
    return isThere ? [] : [`${row.key}: ${figure}, met: ${row.met}`];
  });
  return section.includes(`bench ${suite}\` at commit ${commit}`)
    ? missing
    : [`${suite} is of ${commit}`, ...missing];
}

describe('docs/performance.md', () => {
  it.each(['tls', 'crowd'] as const)('has every target of the recorded run of %s', (suite) => {
    expect(missingInSection(page, suite)).toEqual([]);
  });

  it('has every target of the recorded runs, with its figure, and which were missed', () => {
    expect(missingIn(page)).toEqual([]);
  });
});

describe('the look at docs/performance.md', () => {
  it.each([
    ['a figure', '| 1.33 ms; QEMU', '| 1.26 ms; QEMU'],
    ['a target', '| ≤ 700 ms |', '| ≤ 600 ms |'],
    ['a missed target that is said to be met', '| 1.78 | **no** |', '| 1.78 | yes |'],
    [
      'the commit of a run',
      '`npx pageferry bench peers` | a9dc30b',
      '`npx pageferry bench peers` | 0879bea',
    ],
  ])('finds %s that is wrong', (_what, from, to) => {
    expect(page).toContain(from);
    expect(missingIn(page.replace(from, to))).not.toEqual([]);
  });

  it.each([
    ['tls', 'a figure', '| 1.22 [0.774', '| 1.35 [0.774'],
    ['tls', 'the commit of a run', 'bench tls` at commit 66bbe5e', 'bench tls` at commit d7944be'],
    ['crowd', 'a met target that is said to be missed', '≤ 50 MiB | yes |', '≤ 50 MiB | **no** |'],
  ] as const)('finds in the section of %s %s that is wrong', (suite, _what, from, to) => {
    expect(page).toContain(from);
    expect(missingInSection(page.replace(from, to), suite)).not.toEqual([]);
  });
});
