import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../support/at-end.js';

const script = fileURLToPath(new URL('soak.mjs', import.meta.url));

async function soak(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [script, ...args])).stdout;
}

/** What was drawn: the journeys and their hops, without how they ended. */
function drawn(output: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.includes(' | '))
    .map((line) => line.replace(/^ *\d+ \w+ +\|/, '').replace(/\| \d+ ms, \d+ faults$/, ''));
}

/** Of seed 13 the first 16 migrations are three journeys, and three are cancelled as a phase begins. */
describe.concurrent('the soak', () => {
  it('moves guests back and forth and cancels some, and makes a journey again by its seed', async () => {
    const run = await soak('--migrations', '16', '--seed', '13');
    expect(run).toMatch(/^16 migrations, seed 13\n/);
    expect(run.match(/^ +\d+ (verified|cancelled|failed) +\|/gm)).toHaveLength(16);
    expect(run).toMatch(/\n16 migrations in .+ cancelled.+ every stream as the protocol says\n$/);

    const journeys = run.split(/^(?=journey )/m).slice(1);
    const [seed = ''] = /(?<=^journey )\d+/.exec(journeys[1] ?? '') ?? [];
    const again = await soak('--only', seed);
    expect(drawn(again)).toEqual(drawn(journeys[1] ?? ''));
    expect(drawn(again).length).toBeGreaterThan(3);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves no capture behind after %s', async (signal) => {
    const child = spawn(process.execPath, [script, '--seed', '13'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    atEnd(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    const capturesOf = () =>
      ['/dev/shm', tmpdir()]
        .filter((folder) => existsSync(folder))
        .flatMap((folder) => readdirSync(folder))
        .filter((name) => name.startsWith(`pageferry-soak-${child.pid}-`));
    // The first line of a migration is written when it is over, and the next begins at once.
    for await (const line of createInterface(child.stdout)) if (/^ +1 /.test(line)) break;
    expect(capturesOf()).toHaveLength(1);
    child.kill(signal);
    expect(await exit).toEqual([null, signal]);
    expect(capturesOf()).toEqual([]);
  });

  it.each([
    ['--migrations', 'many'],
    ['--migrations', '0'],
    ['--only', 'some'],
    ['--hours', '1'],
  ])('refuses %s %s, and says what it takes', async (...args) => {
    await expect(soak(...args)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('usage: npm run soak'),
    });
  });
});
