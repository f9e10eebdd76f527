import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { type ReadImage, readImage } from '../support/image-file.js';
import { temporaryFolder } from '../support/traces.js';
import { until } from '../support/until.js';
import { Pageferry, pageferry } from './pageferry.js';

/** A process that runs this program, which says when it is ready. */
async function started(program: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(() => void child.kill('SIGKILL'));
  let ready = false;
  child.stdout?.once('data', () => {
    ready = true;
  });
  await until('the process is ready', () => ready);
  return child;
}

/** A process with 4096 marks, one a page; in 16 of the pages a number changes all the time. */
function marked(): Promise<ChildProcess> {
  return started(`
    const memory = Buffer.alloc(4096 * 4097, '~');
    for (let page = 0; page < 4096; page += 1) memory.write('marked page ' + page + '.', page * 4096 + 2048);
    let turn = 0;
    setInterval(() => {
      turn += 1;
      for (let page = 0; page < 16; page += 1) memory.writeUInt32LE(turn, page * 4096 * 100 + 2304);
    }, 5);
    console.log('ready');`);
}

function capturing(child: ChildProcess, ...args: string[]): { command: Pageferry; path: string } {
  const path = join(temporaryFolder(), 'image');
  const command = new Pageferry(['capture', '--pid', String(child.pid), '-o', path, ...args]);
  return { command, path };
}

/** The numbers of the marks in the first snapshot, in the order of their pages. */
function marksOf(image: ReadImage): number[] {
  const first = image.snapshots[0]?.pages ?? new Map<number, Buffer>();
  const marks: number[] = [];
  for (const page of [...first.keys()].sort((a, b) => a - b)) {
    // The buffer begins anywhere in a page.
    const text = first.get(page)?.toString('latin1') ?? '';
    const mark = /marked page (\d+)\.~/.exec(text)?.[1];
    if (mark !== undefined) marks.push(Number(mark));
  }
  return marks;
}

function stateOf(child: ChildProcess): string {
  return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '';
}

describe.concurrent('pageferry capture', () => {
  it('writes what the process holds, and what it changes', async () => {
    const child = await marked();
    const args = ['--snapshots', '2', '--every', '200ms', '--stop', '--json'];
    const { command, path } = capturing(child, ...args);
    const { code, stdout, stderr } = await command.ended;
    expect(stderr).toMatch(/Capturing process \d+, then what has changed, 2 times, every 200ms/);
    expect(code).toBe(0);
    const image = readImage(path);
    expect(image).toMatchObject({ stopped: 1, end: 0 });
    expect(marksOf(image)).toEqual(Array.from({ length: 4096 }, (_, page) => page));
    const changed = image.snapshots.slice(1).map(({ pages }) => pages.size);
    expect(changed).toHaveLength(2);
    for (const pages of changed) expect(pages).toBeGreaterThanOrEqual(16);
    const heap = image.mappings.find(({ name }) => name === '[heap]');
    expect(heap).toMatchObject({ flags: 3, leftOut: 0 });
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      version: 1,
      file: path,
      fileBytes: statSync(path).size,
      pid: child.pid,
      stopped: true,
      end: 'complete',
      pages: image.pages,
    });
    expect(summary.snapshots.map(({ entries }: { entries: number }) => entries)).toEqual(
      image.snapshots.map(({ pages }) => pages.size),
    );
    expect(summary.mappings.map(({ name }: { name: string }) => name)).toEqual(
      image.mappings.map(({ name }) => name),
    );
    // Secrets are in it.
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(stateOf(child)).not.toBe('T');
  });

  it('takes far less memory than the process has', async () => {
    const child = await started(`
      globalThis.memory = require('node:crypto').randomFillSync(Buffer.alloc(400 << 20));
      setInterval(() => {}, 1000);
      console.log('ready');`);
    const path = join(temporaryFolder(), 'image');
    const tell = `process.on('exit', () => console.error('most KiB:', process.resourceUsage().maxRSS))`;
    const command = new Pageferry(['capture', '--pid', String(child.pid), '-o', path], {
      NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(tell)}"`,
    });
    const { code, stderr } = await command.ended;
    expect(code).toBe(0);
    expect(statSync(path).size).toBeGreaterThan(400 << 20);
    const most = [...stderr.matchAll(/most KiB: (\d+)/g)].map(([, kib]) => Number(kib));
    expect(most.length).toBeGreaterThan(0);
    expect(Math.max(...most)).toBeLessThan(200 << 10);
  });

  it('leaves nothing when it is interrupted before the first snapshot is whole', async () => {
    const child = await marked();
    const { command, path } = capturing(child, '--stop');
    await command.says(/Capturing/);
    command.signal('SIGINT');
    const { code, stderr } = await command.ended;
    // It may have been whole before the signal came.
    expect(existsSync(path)).toBe(code === 0);
    if (code !== 0)
      expect(stderr).toMatch(/^pageferry: CANCELLED: .*interrupted before its memory/);
    expect(readdirSync(dirname(path)).length).toBe(code === 0 ? 1 : 0);
    expect(stateOf(child)).not.toBe('T');
  });

  it('keeps the snapshots that were whole when it is interrupted, or the process ends', async () => {
    for (const interrupt of [true, false]) {
      const child = await marked();
      const { command, path } = capturing(
        child,
        '--snapshots',
        '4000',
        '--every',
        '10ms',
        '--json',
      );
      const unfinished = join(dirname(path), `.image.${command.pid}`);
      // Twice the memory: later snapshots have begun.
      await until(
        'snapshots are taken',
        () => existsSync(unfinished) && statSync(unfinished).size > 70 << 20,
      );
      if (interrupt) command.signal('SIGINT');
      else child.kill('SIGKILL');
      const { code, stdout } = await command.ended;
      expect(code).toBe(0);
      const end = interrupt ? 'interrupted' : 'process-ended';
      expect(JSON.parse(stdout)).toMatchObject({ end });
      const image = readImage(path);
      expect(image.snapshots.length).toBeGreaterThan(1);
      expect(image.end).toBe(interrupt ? 1 : 2);
      expect(readdirSync(dirname(path))).toEqual(['image']);
    }
  });

  it('leaves nothing on a disk that is full, and says so', async ({ skip }) => {
    const folder = temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'pageferry-test', folder]);
    } catch (error) {
      skip(`a small file system cannot be mounted here: ${error}`);
    }
    atEnd(() => {
      execFileSync('umount', [folder]);
    });
    const child = await marked();
    const args = ['capture', '--pid', String(child.pid), '-o', join(folder, 'image'), '--stop'];
    const { code, stderr } = await pageferry(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^pageferry: SYSTEM: .*No space left/);
    expect(readdirSync(folder)).toEqual([]);
    expect(stateOf(child)).not.toBe('T');
  });

  it('says why it may not read a process of somebody else', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can start a process for somebody else');
    const child = await marked();
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    const path = join(folder, 'image');
    const nobody = ['setpriv', '--reuid', '65534', '--clear-groups'];
    const command = new Pageferry(['capture', '--pid', String(child.pid), '-o', path], {}, nobody);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^pageferry: NO_PERMISSION: .*run as its user or as root/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.for([
    [['--pid', '4194304', '-o', 'FILE'], /no such process/],
    [['--pid', '1', '-o', '/'], /cannot write the image/],
    [['--pid', '1', '-o', '/none/image'], /cannot write the image/],
    [['--pid', '1', '-o', 'FILE', '--snapshots', '4096'], /--snapshots/],
    [['--pid', '1', '-o', 'FILE', '--every', '1ms'], /expected 10ms to 60min/],
    [['-o', 'FILE'], /--pid/],
  ] as const)('refuses %j', async ([args, why]) => {
    const path = join(temporaryFolder(), 'image');
    const { code, stderr } = await pageferry(
      'capture',
      ...args.map((arg) => (arg === 'FILE' ? path : arg)),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pageferry: USAGE: /);
    expect(stderr).toMatch(why);
    expect(existsSync(path)).toBe(false);
  });
});

it('a guest of the demo goes through what was captured', async () => {
  const { command, path } = capturing(await marked(), '--snapshots', '2', '--every', '100ms');
  const { code, stdout } = await command.ended;
  expect(code).toBe(0);
  expect(stdout).toContain(`pageferry demo --fill image:${path} --workload snapshots`);
  const args = ['--fill', `image:${path}`, '--workload', 'snapshots', '--strategy', 'hybrid'];
  const demo = await pageferry('demo', ...args, '--json', '-');
  expect(demo.code).toBe(0);
  const document = JSON.parse(demo.stdout);
  expect(document.guest).toMatchObject({
    workload: { kind: 'snapshots' },
    fill: { kind: 'image', path },
    memoryBytes: 4096 * readImage(path).pages,
  });
  expect(document.migrations[0].guestVerified).toBe(true);
  const report = join(dirname(path), 'report.json');
  writeFileSync(report, demo.stdout);
  const again = await pageferry('demo', '--like', report, '--json', '-');
  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout).guest).toEqual(document.guest);
});

it('snapshots need an image', async () => {
  const { code, stderr } = await pageferry('demo', '--workload', 'snapshots');
  expect(code).toBe(2);
  expect(stderr).toMatch(/^pageferry: USAGE: .*give --fill image:FILE/);
});
