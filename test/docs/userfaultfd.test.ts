import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Tree, wrongNames } from './names-in-document.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}docs/userfaultfd.md`, 'utf8');

function treeOf(folder: string): Tree {
  const list = execFileSync(
    'git',
    ['ls-files', '-co', '--exclude-standard', 'native', 'examples'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  const sources = list
    .trimEnd()
    .split('\n')
    .map((path) => readFileSync(folder + path, 'utf8'))
    .join('\n');
  const literally = (name: string) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return {
    has: (path) => existsSync(folder + path),
    mentions: (name) => new RegExp(`(?<!\\w)${literally(name)}(?!\\w)`).test(sources),
  };
}

const tree = treeOf(root);

/** The page with one thing in it changed. */
function changed(from: string, to: string): string {
  if (!page.includes(from)) throw new Error(`the page does not say '${from}'`);
  return page.replace(from, to);
}

describe('docs/userfaultfd.md', () => {
  it('names only files, constants and functions that are there', () => {
    expect(wrongNames(page, tree)).toEqual([]);
  });
});

describe('the look at what a page names', () => {
  it.each([
    ['a file', '`native/os/userfaultfd.cc`', '`native/os/userfault.cc`'],
    ['a file in a command', '-pthread examples/one-page.c', '-pthread examples/two-pages.c'],
    ['a picture', '(userfaultfd-fault.svg)', '(userfaultfd-fault.png)'],
    ['a linked page', '(decisions/0011-no-spinning.md)', '(decisions/0011-spinning.md)'],
    ['a linked file elsewhere', '(../bench/results/quick.md)', '(../bench/results/slow.md)'],
    ['a constant', '`UFFD_FEATURE_MINOR_SHMEM`', '`UFFD_FEATURE_MINOR_SHARED`'],
    ['a constant outside of code', 'CAP_SYS_PTRACE', 'CAP_SYS_FAULT'],
    ['a class', '`GuestMemory::find_holes`', '`GuestsMemory::find_holes`'],
    ['a member', '`ArrivingMemory::map`', '`ArrivingMemory::map_it`'],
    ['a function', '`hide_missing`', '`hide_what_is_missing`'],
    ['a setting', '`vm.unprivileged_userfaultfd`', '`vm.userfaultfd`'],
    ['a constant that is said to be unused', '`UFFDIO_MOVE`', '`UFFDIO_COPY`'],
  ])('finds %s that is wrong', (_what, from, to) => {
    expect(wrongNames(changed(from, to), tree)).toHaveLength(1);
  });
});
