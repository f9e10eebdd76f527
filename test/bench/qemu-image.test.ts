// Guests of QEMU's that begin with an image and go through its later snapshots, as `bench codecs` migrates them.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rowKey } from '#bench/codecs/names.js';
import { QEMU_XBZRLE, QEMU_ZSTD } from '#bench/codecs/policies.js';
import { compareArrived, expectedAfter } from '#bench/peers/arrived-guest.js';
import { type ImageSteps, readImageSteps } from '#bench/peers/image-steps.js';
import { migrateQemu } from '#bench/peers/qemu-migration.js';
import { comparedObstacle, translationObstacle } from '#bench/peers/qemu-process.js';
import { RESERVED_BYTES, romParameters, tapeObstacle } from '#bench/peers/rom.js';
import { guestOf, makeTape, tapedImage } from '#bench/peers/tape.js';
import { Pageferry } from '../cli/pageferry.js';
import { PAGE, readImage, type WrittenEntry, writeImage } from '../support/image-file.js';
import { rejection } from '../support/until.js';
import { newFolder, readResult } from './bench-command.js';

const MIB = 2 ** 20;
const PAGES = 700;
const { signal } = new AbortController();

/** A page in which nothing repeats, the same for the same name. */
function pageOf(name: string): Buffer {
  const parts = Array.from({ length: PAGE / 32 }, (_, part) =>
    createHash('sha256').update(`${name} ${part}`).digest(),
  );
  return Buffer.concat(parts);
}

/** Zeros, one page that comes again and again, and four snapshots 10 ms apart that change some pages, one to zeros. */
function changingImage(folder: string): string {
  const path = join(folder, 'changing.image');
  const repeated = pageOf('repeated');
  const first = Array.from({ length: PAGES }, (_, page) => page)
    .filter((page) => page % 7 !== 0)
    .map((page) => ({ page, content: repeated }));
  const later = Array.from({ length: 4 }, (_, snapshot) =>
    Array.from({ length: 5 + snapshot }, (_entry, i): WrittenEntry => {
      const page = 11 * i + snapshot;
      return { page, content: i === 2 ? null : pageOf(`${snapshot} ${page}`) };
    }),
  );
  writeImage(path, PAGES, [first, ...later]);
  return path;
}

/** What each page holds at every snapshot, as the document of the format says. */
function memoryAtSnapshots(path: string): Buffer[][] {
  const zeros = Buffer.alloc(PAGE);
  let pages: Buffer[] = Array.from({ length: PAGES }, () => zeros);
  return readImage(path).snapshots.map((snapshot) => {
    pages = pages.map((page, index) => snapshot.pages.get(index) ?? page);
    return pages;
  });
}

/** The same by the steps. */
function memoryAfter(path: string, steps: ImageSteps, operations: number): Buffer[] {
  const file = readFileSync(path);
  const zeros = Buffer.alloc(PAGE);
  return [...expectedAfter(steps, operations).contents].map((content) =>
    content === 0 ? zeros : file.subarray(PAGE * content, PAGE * (content + 1)),
  );
}

describe('the steps of an image', () => {
  it('lead through every snapshot to the last, back to the first, and again', () => {
    const path = changingImage(newFolder());
    const steps = readImageSteps(path);
    const snapshots = memoryAtSnapshots(path);
    // As many steps as the snapshots have entries: 5, 6, 7 and 8.
    const forth = [0, 5, 11, 18, 26];
    const period = steps.steps.length;
    expect(period).toBe(52);
    for (const [snapshot, operations] of forth.entries()) {
      for (const at of [operations, period - operations, period + operations]) {
        const same = memoryAfter(path, steps, at).every((page, index) =>
          page.equals(snapshots[snapshot]?.[index] ?? Buffer.alloc(0)),
        );
        expect(same, `snapshot ${snapshot} after ${at} operations`).toBe(true);
      }
    }
  });

  it('are due evenly over the time before their snapshot, and as far from the end on the way back', () => {
    const { steps, periodNs } = readImageSteps(changingImage(newFolder()));
    const due = steps.map(({ dueNs }) => dueNs / 1e6);
    expect(periodNs).toBe(80e6);
    expect(due.slice(0, 6)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(due.slice(18, 27)).toEqual([30, 31.25, 32.5, 33.75, 35, 36.25, 37.5, 38.75, 40]);
    expect(due.slice(47)).toEqual([70, 72, 74, 76, 78]);
  });

  it('are none of an image with one snapshot', () => {
    const path = join(newFolder(), 'still.image');
    writeImage(path, 2, [[{ page: 1, content: pageOf('still') }]]);
    expect(readImageSteps(path)).toMatchObject({ steps: [], first: Uint32Array.of(0, 1) });
  });
});

describe('the guest with a tape', () => {
  it('has memory for the whole image behind its first chunk, and is told how long the tape is', () => {
    const guest = guestOf(tapedImage(changingImage(newFolder())));
    expect(guest.memoryBytes).toBe(RESERVED_BYTES + 4 * MIB);
    expect(romParameters(guest)[5]).toBe(BigInt((guest.tapeBytes ?? 0) / (2 * MIB)));
  });

  it('is refused when its memory would reach around the hole for devices, or is too much with the tape', () => {
    const gib = 2 ** 30;
    expect(tapeObstacle({ memoryBytes: 3 * gib, tapeBytes: 5 * gib })).toBeNull();
    expect(tapeObstacle({ memoryBytes: 3.5 * gib, tapeBytes: gib })).toMatch(/less than 3.5 GiB/);
    expect(tapeObstacle({ memoryBytes: 3 * gib, tapeBytes: 5 * gib + 2 * MIB })).toMatch(
      /at most 8/,
    );
    // Without a tape it may be larger.
    expect(tapeObstacle({ memoryBytes: 4 * gib })).toBeNull();
    expect(() => romParameters({ memoryBytes: 4 * gib, tapeBytes: gib })).toThrow('3.5 GiB');
  });
});

describe('a QEMU that translates its guest', () => {
  it('is no peer before version 9.0, which loses what the guest writes', () => {
    expect(translationObstacle('tcg', '7.2.22')).toMatch(/no \/dev\/kvm, and QEMU 7.2.22 does not/);
    expect(translationObstacle('tcg', '9.0.0')).toBeNull();
    expect(translationObstacle('tcg', '10.0.3')).toBeNull();
    expect(translationObstacle('kvm', '7.2.22')).toBeNull();
  });
});

describe('what is compared of a guest that arrived', () => {
  const OPERATIONS = 60;

  /** As a QEMU that has this memory would answer. */
  async function compare(memory: readonly Buffer[], failures = 0) {
    const folder = newFolder();
    const path = changingImage(folder);
    const tape = await makeTape(tapedImage(path), folder, signal);
    const word = (value: number) => `0x${value.toString(16).padStart(16, '0')}`;
    const execute = async (command: string, args: Readonly<Record<string, unknown>> = {}) => {
      if (command === 'human-monitor-command') {
        return `000000000000d000: ${word(OPERATIONS)} ${word(failures)}\r\n`;
      }
      if (command === 'pmemsave') writeFileSync(String(args['filename']), Buffer.concat(memory));
      return {};
    };
    return await compareArrived({ execute }, tape, folder);
  }

  function right() {
    const path = changingImage(newFolder());
    const steps = readImageSteps(path);
    const { next } = expectedAfter(steps, OPERATIONS);
    if (next === undefined) throw new Error('there is no next operation');
    return {
      memory: memoryAfter(path, steps, OPERATIONS).map((page) => Buffer.from(page)),
      page: next.page,
      after: memoryAfter(path, steps, OPERATIONS + 1)[next.page] ?? Buffer.alloc(0),
    };
  }

  it('is every page', async () => {
    expect(await compare(right().memory)).toEqual({ pages: PAGES, pagesCompared: PAGES });
  });

  it('finds one byte that is wrong', async () => {
    const { memory } = right();
    const page = memory[PAGES - 1] ?? Buffer.alloc(0);
    page[PAGE - 1] = (page[PAGE - 1] ?? 0) ^ 1;
    expect(await rejection(compare(memory))).toMatchObject({
      message: expect.stringContaining(
        `1 of ${PAGES} pages differ from what the guest wrote, the first is page ${PAGES - 1};`,
      ),
    });
  });

  it('accepts words of the operation under way, and no others', async () => {
    const { memory, page, after } = right();
    after.copy(memory[page] ?? Buffer.alloc(0), 0, 0, 1024);
    expect(await compare(memory)).toMatchObject({ pagesCompared: PAGES });
    memory[page]?.fill(0x55, 2048, 2056);
    expect(await rejection(compare(memory))).toMatchObject({
      message: expect.stringContaining(`the first is page ${page};`),
    });
  });

  it('is also what the guest itself found wrong', async () => {
    expect(await rejection(compare(right().memory, 3))).toMatchObject({
      message: expect.stringContaining('3 of its own operations found a wrong page'),
    });
  });
});

const obstacle = comparedObstacle();

describe.skipIf(obstacle !== null)(`QEMU${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  let dir: string;

  beforeEach(() => {
    dir = newFolder();
    mkdirSync(join(dir, 'tmp'));
    vi.stubEnv('TMPDIR', join(dir, 'tmp'));
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  function migrate(path: string, how: Partial<Parameters<typeof migrateQemu>[0]>) {
    const image = tapedImage(path);
    return migrateQemu({
      guest: guestOf(image),
      image,
      strategy: 'pre-copy',
      endsRounds: true,
      observeMs: 100,
      ...how,
    });
  }

  it('moves by xbzrle a guest that goes through snapshots before and after, and has every page', async () => {
    const { replay, figures } = await migrate(changingImage(dir), { xbzrleCacheBytes: 64 * MIB });
    expect(replay?.compared).toEqual({ pages: PAGES, pagesCompared: PAGES });
    expect(figures).toMatchObject({
      status: 'completed',
      'xbzrle-cache': { 'cache-size': 64 * MIB },
    });
    // What it says that it sent, and the state of its devices.
    expect(replay?.sentBytes).toBeGreaterThan(figures.ram.transferred);
    expect(replay?.sentBytes).toBeLessThan(figures.ram.transferred + MIB);
    expect(readdirSync(join(dir, 'tmp'))).toEqual([]);
  });

  it('sends less by multifd with zstd, and has every page', async () => {
    const { replay, figures } = await migrate(changingImage(dir), {
      multifd: true,
      multifdCompression: 'zstd',
    });
    expect(replay?.compared).toEqual({ pages: PAGES, pagesCompared: PAGES });
    const contentBytes = PAGE * Math.floor((PAGES * 6) / 7);
    expect(figures.ram.normal * PAGE).toBeGreaterThan(contentBytes / 2);
    // One page that comes again and again, which zstd finds.
    expect(replay?.sentBytes).toBeLessThan(contentBytes / 2);
    expect(replay?.sentBytes).toBeGreaterThan(10 * PAGE);
  });

  it('moves a guest of an image that never changes', async () => {
    const path = join(dir, 'still.image');
    writeImage(path, PAGES, [[{ page: PAGES - 1, content: pageOf('still') }]]);
    const { replay } = await migrate(path, {});
    expect(replay).toMatchObject({ pagesPerSecond: 0, compared: { pagesCompared: PAGES } });
  });
});

describe('bench codecs', () => {
  async function codecs(environment: NodeJS.ProcessEnv) {
    const folder = newFolder();
    changingImage(folder);
    const file = join(folder, 'result.json');
    const policies = `raw,${QEMU_ZSTD},${QEMU_XBZRLE}`;
    const args = ['--images', folder, '--policies', policies, '--links', 'unlimited'];
    const command = ['bench', 'codecs', ...args, '--json', file];
    const { code, stderr } = await new Pageferry(command, environment).ended;
    expect(code, stderr).toBe(0);
    return readResult(file);
  }

  it.skipIf(obstacle !== null)('sets QEMU beside the engine, on the same image', async () => {
    const result = await codecs({});
    expect(result.migrations.map(({ parameters: { engine } }) => engine).sort()).toEqual([
      'pageferry',
      'qemu',
      'qemu',
    ]);
    expect(result.compared).toHaveLength(3);
    for (const figure of [
      'total',
      'sent',
      'source-cpu',
      'destination-cpu',
      'downtime',
      'time-of-raw',
    ]) {
      for (const policy of ['raw', QEMU_ZSTD, QEMU_XBZRLE]) {
        const row = result.rows.find(({ key }) => key === rowKey(policy, figure));
        expect(row, `${policy}, ${figure}`).toMatchObject({ status: 'measured' });
      }
    }
  });

  it('says why QEMU has no figures where it is not installed, and measures the others', async () => {
    const result = await codecs({ PAGEFERRY_QEMU: '/nowhere/qemu' });
    const ofQemu = result.rows.filter(({ key }) => key.startsWith('qemu-'));
    expect(ofQemu.length).toBeGreaterThan(0);
    for (const row of ofQemu) {
      expect(row).toMatchObject({
        status: 'skipped',
        reason: 'PAGEFERRY_QEMU names /nowhere/qemu, which does not run or is no QEMU',
      });
    }
    expect(result.rows.find(({ key }) => key === rowKey('raw', 'total'))).toMatchObject({
      status: 'measured',
    });
    expect(result.compared).toHaveLength(1);
  });
});
