import { execFileSync, spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { Pageferry, pageferry, startDestination } from './pageferry.js';

const SMALL = ['--memory', '16MiB', '--write-rate', '1000', '--observe', '0'];
/** About two seconds of round 0, with a line for each half of it. */
const SLOW = [...SMALL, '--memory', '64MiB', '--fill', 'random', '--bandwidth', '32MiB/s'];

/** Removed after the test. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Why no file system of one's own can be mounted here; undefined where it can. */
function whyNoMount(): string | undefined {
  const tried = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]);
  return tried.status === 0 ? undefined : String(tried.stderr ?? tried.error).trim();
}

describe('a reader that goes away', () => {
  it('does not end a migration, nor change its exit code', async () => {
    const { destination, address } = await startDestination();
    const source = new Pageferry(['source', '--to', address, ...SLOW]);
    await source.says(/Destination/);
    source.stopReading();
    expect((await source.ended).code).toBe(0);
    await destination.says(/arrived from /);
  });

  it('does not end a destination that keeps a guest', async () => {
    const { destination, address } = await startDestination('--keep');
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    await destination.says(/it runs on here/);
    destination.stopReading();
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    destination.signal('SIGTERM');
    expect((await destination.ended).code).toBe(0);
  });
});

describe('a report', () => {
  it('that cannot be written is said, and the exit code is that of the migration', async () => {
    const { address } = await startDestination();
    const { code, stderr } = await pageferry(
      'source',
      ...['--to', address, ...SMALL, '--json', '/dev/full'],
    );
    expect(stderr).toMatch(/^pageferry: USAGE: cannot write the report to \/dev\/full: [^\n]+\n$/);
    expect(code).toBe(0);
  });

  it('that does not fit the disk leaves the one before it whole, and nothing beside it', async ({
    skip,
  }) => {
    const reason = whyNoMount();
    if (reason !== undefined) skip(reason);
    const { address } = await startDestination();
    const folder = newFolder();
    const script = `mount -t tmpfs -o size=4k tmpfs ${folder} && echo before > ${folder}/report.json && "$@"
      code=$?; cat ${folder}/report.json; ls -A ${folder}; exit $code`;
    const source = new Pageferry(
      ['source', '--to', address, ...SMALL, '--json', join(folder, 'report.json')],
      {},
      ['unshare', '-m', 'sh', '-c', script, 'sh'],
    );
    const { code, stdout, stderr } = await source.ended;
    expect(stderr).toMatch(/cannot write the report to .*report.json: ENOSPC/);
    expect(stdout.endsWith('before\nreport.json\n')).toBe(true);
    expect(code).toBe(0);
  });

  it('replaces the one before it, and what a link points to', async () => {
    const { address } = await startDestination();
    const folder = newFolder();
    const target = join(folder, 'target.json');
    const link = join(folder, 'link.json');
    writeFileSync(target, 'before');
    symlinkSync(target, link);
    const { code } = await pageferry('source', '--to', address, ...SMALL, '--json', link);
    expect(JSON.parse(readFileSync(target, 'utf8')).migrations).toHaveLength(1);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['link.json', 'target.json']);
    expect(code).toBe(0);
  });

  it('goes through a pipe that was named', async () => {
    const { address } = await startDestination();
    const folder = newFolder();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const source = new Pageferry(['source', '--to', address, ...SMALL, '--json', pipe]);
    expect(JSON.parse(await readFile(pipe, 'utf8')).migrations).toHaveLength(1);
    expect((await source.ended).code).toBe(0);
  });
});
