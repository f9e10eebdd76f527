import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { brokenLinks } from './broken-links.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});

describe.each(pages.trimEnd().split('\n'))('%s', (name) => {
  it('has only links that lead somewhere', () => {
    const page = readFileSync(join(root, name), 'utf8');
    expect(brokenLinks(page, join(root, dirname(name)))).toEqual([]);
  });
});

describe('the look at links', () => {
  it.each([
    ['a page that is gone', '[it](docs/gone.md)'],
    ['a heading that is gone', '[it](docs/performance.md#gone)'],
    ['a heading of the same page that is gone', '# Here\n[it](#there)'],
  ])('finds %s', (_what, page) => {
    expect(brokenLinks(page, root)).toHaveLength(1);
  });

  it.each([
    ['a page', '[it](docs/performance.md)'],
    ['a folder', '[it](examples/)'],
    ['a heading', '[it](docs/performance.md#the-targets)'],
    ['a heading of the same page', '# Here it is\n[it](#here-it-is)'],
    ['another site', '[it](https://example.org/x#y)'],
    ['what is code', '```\n[it](gone.md)\n```\n`[it](gone.md)`'],
  ])('takes %s', (_what, page) => {
    expect(brokenLinks(page, root)).toEqual([]);
  });
});
