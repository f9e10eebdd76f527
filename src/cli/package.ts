/** What this installation is: its version, and the commit where it is a checkout. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', ROOT), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `dde433f0a1b2`, with `-modified` where tracked files differ; null where it is no checkout, or there is no git. */
export function checkedOutCommit(): string | null {
  // Elsewhere git would look further up, and find the commit of whoever installed this.
  if (!existsSync(new URL('.git', ROOT))) return null;
  try {
    const args = ['describe', '--always', '--exclude', '*', '--abbrev=12', '--dirty=-modified'];
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const cwd = fileURLToPath(ROOT);
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return null;
  }
}
