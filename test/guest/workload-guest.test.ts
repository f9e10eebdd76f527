import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PageferryError } from '../../src/errors.js';
import { type Fill, WorkloadGuest, type WorkloadOptions } from '../../src/guest/workload-guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { WORKLOAD_NAMES } from '../../src/native/workload.js';
import { atEnd } from '../support/at-end.js';
import { migrate, Receiving } from '../support/destinations.js';
import { expectRunning, expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { rejection, until } from '../support/until.js';

const PAGE_BYTES = 4096;

async function refusal(options: Partial<WorkloadOptions>): Promise<PageferryError> {
  const error = await rejection(
    WorkloadGuest.create({ workload: 'uniform', memoryBytes: MIB, ...options }),
  );
  expect(error).toBeInstanceOf(PageferryError);
  return error as PageferryError;
}

/** A guest that is not started; every page of it, one after the other. */
async function pagesOf(fill: Fill, memoryBytes = MIB): Promise<Buffer[]> {
  const guest = await WorkloadGuest.create({ workload: 'idle', memoryBytes, fill });
  atEnd(() => guest.discard());
  const bytes = Buffer.from(guest.memory.window(0, memoryBytes));
  return Array.from({ length: memoryBytes / PAGE_BYTES }, (_, page) =>
    Buffer.from(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)),
  );
}

function temporaryFile(content: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-test-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'fill');
  writeFileSync(path, content);
  return path;
}

/** A process that holds a text in memory that it wrote itself. */
async function processThatRemembers(text: string): Promise<ChildProcess> {
  const program = `
    const remembered = Buffer.alloc(${MIB}, process.argv[1]);
    console.log('ready');
    setInterval(() => remembered.byteLength, 60_000);`;
  const child = spawn(process.execPath, ['-e', program, text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => void child.kill('SIGKILL'));
  let ready = false;
  child.stdout?.once('data', () => {
    ready = true;
  });
  await until('the process is ready', () => ready);
  return child;
}

describe('a guest that cannot be', () => {
  it.each<[string, Partial<WorkloadOptions>]>([
    ['without memory', { memoryBytes: 0 }],
    ['of half a page', { memoryBytes: 2048 }],
    ['of a page and a bit', { memoryBytes: 4097 }],
    ['of less than nothing', { memoryBytes: -4096 }],
    ['of an endless memory', { memoryBytes: Number.POSITIVE_INFINITY }],
    ['with a larger working set than memory', { workingSetBytes: 2 * MIB }],
    ['without threads', { threads: 0 }],
    ['with half a thread', { threads: 0.5 }],
    ['that changes 4 bytes', { writeBytes: 4 }],
    ['that changes 12 bytes', { writeBytes: 12 }],
    ['that changes more than a page', { writeBytes: 8192 }],
    ['that runs nothing we know', { workload: 'doom' as 'idle' }],
    ['filled with nothing we know', { fill: { kind: 'joy' as 'zero' } }],
    ['filled from no file', { fill: { kind: 'file', path: '/no/such/file' } }],
    ['filled from a folder', { fill: { kind: 'file', path: '/' } }],
    ['filled from nobody', { fill: { kind: 'process', pid: 2 ** 30 } }],
    ['filled from a process below nought', { fill: { kind: 'process', pid: -1 } }],
  ])('is refused: %s', async (_what, options) => {
    const error = await refusal(options);
    expect(error.code).toBe('USAGE');
    expect(error.message).toMatch(/^cannot create the guest: .+/);
  });

  it('is refused with words about the file', async () => {
    expect((await refusal({ fill: { kind: 'file', path: '/no/such/file' } })).message).toContain(
      '/no/such/file',
    );
  });

  it('is refused with words about the process', async () => {
    expect((await refusal({ fill: { kind: 'process', pid: 2 ** 30 } })).message).toContain(
      String(2 ** 30),
    );
  });

  it('is refused when its file is empty', async () => {
    const path = temporaryFile(Buffer.alloc(0));
    expect((await refusal({ fill: { kind: 'file', path } })).code).toBe('USAGE');
  });
});

describe('the fill', () => {
  it('zero leaves every page untouched', async () => {
    const guest = await WorkloadGuest.create({ workload: 'idle', memoryBytes: MIB });
    atEnd(() => guest.discard());
    expect((await guest.memory.findPopulated()).count()).toBe(0);
  });

  it('random differs from page to page, and is the same for the same seed', async () => {
    const pages = await pagesOf({ kind: 'random' });
    expect(new Set(pages.map((page) => page.toString('latin1'))).size).toBe(pages.length);
    const again = await pagesOf({ kind: 'random' });
    expect(Buffer.concat(again).equals(Buffer.concat(pages))).toBe(true);
  });

  it('text reads like text', async () => {
    const [page] = await pagesOf({ kind: 'text' });
    expect(page?.toString('latin1')).toMatch(/^[\x20-\x7e\n]+$/);
  });

  it('file repeats the file', async () => {
    const content = Buffer.from(Array.from({ length: 3 * PAGE_BYTES }, (_, at) => (at * 7) >> 4));
    const pages = await pagesOf({ kind: 'file', path: temporaryFile(content) });
    // The last two pages are the appendix.
    pages.slice(0, -2).forEach((page, at) => {
      const from = (at % 3) * PAGE_BYTES;
      expect(page.equals(content.subarray(from, from + PAGE_BYTES))).toBe(true);
    });
  });

  it('file takes a file of less than a page', async () => {
    const [page] = await pagesOf({ kind: 'file', path: temporaryFile(Buffer.from('short')) });
    expect(page?.subarray(0, 5).toString()).toBe('short');
  });

  it('process copies what a running process remembers', async () => {
    const text = 'a text that is in no other memory ';
    const child = await processThatRemembers(text);
    const pages = await pagesOf({ kind: 'process', pid: child.pid as number }, 256 * MIB);
    const found = pages.filter((page) => page.includes(text.repeat(10)));
    expect(found.length).toBeGreaterThan(100);
  });

  it('process says how much it found, and how it repeats that', async () => {
    const child = await processThatRemembers('nothing');
    const fill: Fill = { kind: 'process', pid: child.pid as number };
    const large = await WorkloadGuest.create({ workload: 'idle', memoryBytes: 512 * MIB, fill });
    atEnd(() => large.discard());
    expect(large.probe.fill).toMatch(
      new RegExp(`^\\d+ resident pages of process ${child.pid}, repeated [\\d.]+ times to fill`),
    );
    const small = await WorkloadGuest.create({ workload: 'idle', memoryBytes: MIB, fill });
    atEnd(() => small.discard());
    expect(small.probe.fill).toMatch(/^the first 25[45] of \d+ resident pages/);
  });

  it('of a guest of 64 MiB moves although nobody could compute it again', async () => {
    const receiving = await Receiving.start();
    const fill: Fill = { kind: 'file', path: process.execPath };
    const guest = await startGuest({ memoryBytes: 64 * MIB, fill });
    const report = await migrate(guest, receiving.port, { strategy: 'hybrid' });
    expect(report.guestVerified).toBe(true);
    expect(report.guest?.fill).toMatch(/^\d+ bytes of /);
  });

  it('process says so when the process is gone', async () => {
    const child = await processThatRemembers('nothing');
    child.kill('SIGKILL');
    await until('the process has ended', () => child.signalCode !== null);
    const error = await refusal({ fill: { kind: 'process', pid: child.pid as number } });
    expect(error.message).toContain(String(child.pid));
  });

  it('file is not touched by what becomes of the file afterwards', async () => {
    const path = temporaryFile(Buffer.alloc(MIB, 'original'));
    const guest = await startGuest({ memoryBytes: MIB, fill: { kind: 'file', path } });
    truncateSync(path);
    await expectUnharmed(guest);
  });
});

describe.each(WORKLOAD_NAMES)('the workload %s', (workload) => {
  it('runs, pauses, goes on, and holds what it must', async () => {
    const guest = await startGuest({ workload, memoryBytes: 4 * MIB, threads: 2 });
    expect(guest.probe.workload).toBe(workload);
    if (workload !== 'idle') await expectRunning(guest);
    await guest.pause();
    await expectStill(guest);
    expect(await guest.probe.verify()).toMatchObject({
      pagesCompared: 1024,
      pagesDifferent: 0,
      failedReads: 0,
    });
    await guest.resume();
    if (workload !== 'idle') await expectRunning(guest);
  });

  it('compares as many pages as it is asked to, and no more than it has', async () => {
    const guest = await startGuest({ workload, memoryBytes: 4 * MIB });
    await guest.pause();
    const compared = async (pages: number) => (await guest.probe.verify(pages)).pagesCompared;
    expect(await compared(10)).toBe(10);
    expect(await compared(5000)).toBe(1024);
  });

  it('notices a page that is not as it must be', async () => {
    const guest = await startGuest({ workload, memoryBytes: 4 * MIB });
    await guest.pause();
    const page = new Uint8Array(guest.memory.window(1020 * PAGE_BYTES, PAGE_BYTES));
    page[17] = (page[17] as number) ^ 1;
    const verification = await guest.probe.verify();
    expect(verification.pagesDifferent + verification.failedReads).toBeGreaterThan(0);
  });
});

describe('a guest', () => {
  it('has a larger longest gap after it has been paused', async () => {
    const guest = await startGuest();
    guest.probe.startGapWatch();
    await guest.pause();
    await expectStill(guest);
    await guest.resume();
    await expectRunning(guest);
    expect(guest.probe.observe().longestGapMs).toBeGreaterThan(99);
  });

  it('keeps to its rate', async () => {
    const guest = await startGuest({ writesPerSecond: 1000 });
    const started = performance.now();
    await until('500 operations', () => guest.probe.observe().operations >= 500);
    expect(performance.now() - started).toBeGreaterThan(300);
  });

  it('can be let go while it runs, and twice', async () => {
    const guest = await startGuest();
    guest.discard();
    guest.discard();
    await expect(guest.pause()).rejects.toThrow();
  });

  it('is not taken over from nonsense', async () => {
    const memory = createGuestMemory([MIB]);
    const valid = (await startGuest({ memoryBytes: MIB })).describe();
    await expect(WorkloadGuest.arrive(memory, new Uint8Array())).rejects.toThrow();
    await expect(WorkloadGuest.arrive(memory, new Uint8Array(1000).fill(255))).rejects.toThrow();
    await expect(WorkloadGuest.arrive(memory, valid.subarray(0, -1))).rejects.toThrow();
    await expect(WorkloadGuest.arrive(memory, valid)).resolves.toBeInstanceOf(WorkloadGuest);
  });
});
