import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

/** What each example says when all went well. */
const LAST_LINES: Readonly<Record<string, RegExp>> = {
  'embed.mjs': /^completed: downtime [\d.]+ ms, \d+ pages\nthe guest is intact\n$/,
  'own-strategy.mjs': /^(round \d+: .+\n)+while-it-helps: downtime .+ ms\nevery page verified\n$/,
};

describe.concurrent('the examples', () => {
  it('are all run here', () => {
    const programs = readdirSync(folder).filter((name) => /(?<!-worker)\.m?[jt]s$/.test(name));
    expect(programs).toEqual(Object.keys(LAST_LINES));
  });

  it.each(Object.keys(LAST_LINES))('include %s, which does what it says and ends', async (name) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [folder + name], {
      timeout: 50_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(LAST_LINES[name] as RegExp);
  });
});
