import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/traces.js';
import { pageferry, pageferryWithin, startDestination } from './pageferry.js';

const GUEST = ['--memory', '8MiB', '--write-rate', '1000', '--observe', '0ms'];

async function capture(...options: string[]): Promise<string> {
  const { address } = await startDestination();
  const file = join(temporaryFolder(), 'migration.capture');
  const args = ['source', '--to', address, '--tee', file, ...GUEST, ...options];
  expect((await pageferry(...args)).code).toBe(0);
  return file;
}

describe.concurrent('pageferry verify-stream', () => {
  it('says of a migration that was captured at its source what was in it', async () => {
    const file = await capture('--strategy', 'hybrid', '--channels', '2', '--compression', 'lz4');
    const { code, stdout, stderr } = await pageferry('verify-stream', file);
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^Migration +[0-9a-f]{32}, captured by the source\nStrategy +hybrid\nOutcome +completed\n/,
    );
    expect(stdout).toMatch(/\npage 1 .*\nNo violations\.\n$/s);
    expect(code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('checks what a destination captured, one file for each migration', async () => {
    const folder = temporaryFolder();
    const { address, destination } = await startDestination('--tee', folder);
    for (const strategy of ['pre-copy', 'post-copy']) {
      const { code } = await pageferry('source', '--to', address, '--strategy', strategy, ...GUEST);
      expect(code).toBe(0);
    }
    destination.signal('SIGINT');
    expect((await destination.ended).code).toBe(0);
    const files = readdirSync(folder);
    expect(files).toHaveLength(2);
    for (const name of files) {
      const { code, stdout } = await pageferry('verify-stream', join(folder, name), '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        version: 1,
        side: 'destination',
        outcome: 'completed',
        violationCount: 0,
        cut: null,
        migrationId: name.replace('.capture', ''),
      });
    }
  });

  it('names what is wrong, and where', async () => {
    const file = await capture('--strategy', 'stop-and-copy');
    const bytes = readFileSync(file);
    // The version in the preamble, right behind the head of the file and of its first block.
    bytes.writeUInt16LE(9, 24 + 8 + 8);
    writeFileSync(file, bytes);
    const people = await pageferry('verify-stream', file);
    expect(people.stdout).toMatch(
      /\nsection 1\.1: control, byte 8 to the destination: expected version 2; found version 9\n/,
    );
    expect(people.code).toBe(1);
    const { code, stdout } = await pageferry('verify-stream', file, '--json');
    expect(JSON.parse(stdout).violations[0]).toEqual({
      section: '1.1',
      channel: 'control',
      direction: 'to-destination',
      offset: 8,
      expected: 'version 2',
      found: 'version 9',
    });
    expect(code).toBe(1);
  });

  it('says that a file was cut short, is no capture or is not there', async () => {
    const file = await capture('--strategy', 'stop-and-copy');
    writeFileSync(file, readFileSync(file).subarray(0, 50_000));
    for (const [path, says] of [
      [file, /cut short within a block\. What is there was checked/],
      ['/etc/passwd', /it is no capture/],
      ['/no/such/file', /ENOENT/],
      ['/', /EISDIR/],
    ] as const) {
      const { code, stderr } = await pageferry('verify-stream', path);
      expect(stderr).toMatch(/^pageferry: USAGE: [^\n]+\n$/);
      expect(stderr).toMatch(says);
      expect(code).toBe(2);
    }
  });

  it('a file that takes no more ends the capture with a warning, and not the migration', async () => {
    const { address } = await startDestination();
    const file = join(temporaryFolder(), 'migration.capture');
    // As large as the guest, which is a file too: what is captured of it is a little more.
    const limited = ['prlimit', `--fsize=${8 << 20}`];
    const how = ['--strategy', 'stop-and-copy', '--fill', 'random'];
    const args = ['source', '--to', address, '--tee', file, ...how, ...GUEST];
    const { code, stderr } = await pageferryWithin(limited, ...args);
    expect(stderr).toMatch(/PAGEFERRY_CAPTURE_CUT.*the capture ended before the migration did/);
    expect(code).toBe(0);
    expect((await pageferry('verify-stream', file)).code).toBe(2);
  });
});
