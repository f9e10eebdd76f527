import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PageferryError } from '../../src/errors.js';
import { memoryForImage, WorkloadGuest } from '../../src/guest/workload-guest.js';
import { recordImage } from '../../src/image/record-image.js';
import { WORKLOAD_NAMES } from '../../src/native/workload.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { failureOf, migrate, Receiving } from '../support/destinations.js';
import { expectRunning, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { readImage } from '../support/image-file.js';
import { temporaryFolder } from '../support/traces.js';
import { rejection, until } from '../support/until.js';

/** A process that changes a few hundred pages all the time. */
const PROGRAM = `
  const memory = Buffer.alloc(1500 * 4096, 'some text and ');
  let turn = 0;
  setInterval(() => {
    turn += 1;
    for (let page = 0; page < 1500; page += 5) memory[page * 4096 + (turn % 4096)] = turn;
  }, 2);
  console.log('ready');`;

let bytes = Buffer.alloc(0);
let pages = 0;

/** The image of such a process, made once. */
beforeAll(async () => {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-test-'));
  try {
    let ready = false;
    child.stdout?.once('data', () => {
      ready = true;
    });
    await until('the process is ready', () => ready);
    const path = join(folder, 'image');
    const recorded = await recordImage({
      pid: child.pid ?? 0,
      path,
      stop: true,
      laterSnapshots: 3,
      everyMs: 100,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    pages = recorded.pages;
    bytes = readFileSync(path);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

function imageFile(change: (bytes: Buffer) => void = () => {}): string {
  const path = join(temporaryFolder(), 'image');
  const changed = Buffer.from(bytes);
  change(changed);
  writeFileSync(path, changed);
  return path;
}

async function snapshotGuest(path: string): Promise<WorkloadGuest> {
  return await startGuest({
    workload: { kind: 'snapshots' },
    fill: { kind: 'image', path },
    memoryBytes: await memoryForImage(path, { kind: 'snapshots' }),
  });
}

describe('a guest that goes through the snapshots of an image', () => {
  it.each(STRATEGY_NAMES.map((strategy) => ({ strategy })))(
    'moves by $strategy, goes on there, and every page is right',
    async ({ strategy }) => {
      const path = imageFile();
      const there = join(temporaryFolder(), 'elsewhere');
      copyFileSync(path, there);
      const createGuest = WorkloadGuest.arriveWith([there]);
      const receiving = await Receiving.start({ createGuest });
      const guest = await snapshotGuest(path);
      expect(guest.memory.pageCount).toBe(pages);
      const report = await migrate(guest, receiving.port, { strategy });
      expect(report.guestVerified).toBe(true);
      expect(report.verification?.pagesCompared).toBe(pages);
      expect(report.guest?.workload).toBe('snapshots');
      const arrived = await receiving.nextArrived();
      await expectRunning(arrived);
      await expectUnharmed(arrived);
    },
  );

  it('holds at each snapshot what the process held then', async () => {
    const path = imageFile();
    const image = readImage(path);
    const guest = await snapshotGuest(path);
    const changed = image.snapshots.slice(1).map((snapshot) => snapshot.pages.size);
    expect(Math.min(...changed)).toBeGreaterThanOrEqual(300);
    const all = changed.reduce((sum, count) => sum + count, 0);
    // A whole period, and some.
    await until('it has come back', () => guest.probe.observe().operations > 2 * all + 50);
    await expectUnharmed(guest);
  });

  it('stays where it is when the destination has not been given the image', async () => {
    const receiving = await Receiving.start();
    const guest = await snapshotGuest(imageFile());
    const failure = await failureOf(migrate(guest, receiving.port));
    expect(failure.message).toMatch(/has not been given that image/);
    expect(failure.report.guestLocation).toBe('source');
    await expectRunning(guest);
    await expectUnharmed(guest);
  });

  it('stays where it is when the image of the destination is damaged', async () => {
    const path = imageFile();
    const there = join(temporaryFolder(), 'damaged');
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    writeFileSync(there, bytes);
    const receiving = await Receiving.start({ createGuest: WorkloadGuest.arriveWith([there]) });
    const guest = await snapshotGuest(path);
    const failure = await failureOf(migrate(guest, receiving.port));
    expect(failure.message).toMatch(/damaged/);
    expect(failure.report.guestLocation).toBe('source');
    await expectUnharmed(guest);
  });

  it.each<[string, object, RegExp]>([
    ['by two threads', { threads: 2 }, /one guest thread/],
    ['at a rate', { writesPerSecond: 5 }, /their own speed/],
    ['in a working set', { workingSetBytes: 4096 }, /no working set/],
    ['in less memory than the image has', { memoryBytes: MIB }, /needs as many; it has 256/],
    ['filled with something else', { fill: { kind: 'text' } }, /needs an image as its fill/],
  ])('is refused: %s', async (_what, options, why) => {
    const error = await rejection(
      WorkloadGuest.create({
        workload: { kind: 'snapshots' },
        fill: { kind: 'image', path: imageFile() },
        memoryBytes: 4096 * pages,
        ...options,
      }),
    );
    expect((error as PageferryError).code).toBe('USAGE');
    expect((error as PageferryError).message).toMatch(why);
  });
});

describe('a guest that is filled with an image', () => {
  it.each(WORKLOAD_NAMES)('runs %s, moves, and every page is right', async (workload) => {
    const path = imageFile();
    const receiving = await Receiving.start();
    const guest = await startGuest({
      workload,
      fill: { kind: 'image', path },
      memoryBytes: await memoryForImage(path, workload),
    });
    expect(guest.probe.fill).toBe(
      workload === 'kv' ? guest.probe.fill : `${pages} pages of the image`,
    );
    const report = await migrate(guest, receiving.port, { strategy: 'hybrid' });
    expect(report.guestVerified).toBe(true);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['that was cut short', (path) => truncateSync(path, bytes.length - 8), /cut short or damaged/],
    ['that is empty', (path) => truncateSync(path, 0), /it is no image/],
    ['of text', (path) => writeFileSync(path, 'text'.repeat(5000)), /it is no image/],
    [
      'with a content that is damaged',
      (path) => {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(damaged.readUInt8(4100) ^ 1, 4100);
        writeFileSync(path, damaged);
      },
      /its contents are damaged/,
    ],
  ])('is refused a file %s', async (_what, damage, why) => {
    const path = imageFile();
    damage(path);
    const error = await rejection(
      WorkloadGuest.create({ workload: 'idle', fill: { kind: 'image', path }, memoryBytes: MIB }),
    );
    expect((error as PageferryError).code).toBe('USAGE');
    expect((error as PageferryError).message).toMatch(why);
  });

  it('is refused a file that is not there', async () => {
    const path = join(temporaryFolder(), 'none');
    const fill = { kind: 'image', path } as const;
    const attempts = [
      () => memoryForImage(path, 'kv'),
      () => WorkloadGuest.create({ workload: 'idle', fill, memoryBytes: MIB }),
    ];
    for (const attempt of attempts) {
      expect(await rejection(attempt())).toMatchObject({ code: 'USAGE' });
    }
  });
});
