import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fencesOf } from '../docs/markdown.js';
import { atEnd } from '../support/at-end.js';

const source = fileURLToPath(new URL('../../examples/one-page.c', import.meta.url));
/** As the README shows it, below how to compile it. */
const [, STORY] = fencesOf(readFileSync(new URL('../../README.md', import.meta.url), 'utf8'))
  .map(({ text }) => text)
  .filter((text) => /one-page\.c|^guest:/.test(text));
const NOBODY = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;

/** Compiles the example as its first lines say, with warnings as errors, where every user may run it. */
async function compile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-one-page-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const program = join(folder, 'one-page');
  const options = ['-Wall', '-Wextra', '-Werror', '-O2', '-pthread'];
  await promisify(execFile)('cc', [...options, source, '-o', program]);
  return program;
}

async function run(program: string, user: { uid?: number; gid?: number }): Promise<string> {
  const options = { ...user, cwd: '/', timeout: 10_000 };
  const { stdout, stderr } = await promisify(execFile)(program, [], options);
  return stdout + stderr;
}

describe('examples/one-page.c', () => {
  it('says what the README shows, and ends', async () => {
    expect(await run(await compile(), {})).toBe(STORY);
  });

  it('does so for a user without privileges', async ({ skip }) => {
    skip(!isRoot, 'only root can run it as another user');
    expect(await run(await compile(), NOBODY)).toBe(STORY);
  });

  it('is less than 150 lines long', () => {
    expect(readFileSync(source, 'utf8').trimEnd().split('\n').length).toBeLessThan(150);
  });
});
