// QEMU as the bench runs it beside Pageferry: its guest, its marks, and what is left behind.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeStamps, gapsAround, markCounter, type Stamp } from '#bench/peers/marks.js';
import { migrateQemu } from '#bench/peers/qemu-migration.js';
import { qemuObstacle } from '#bench/peers/qemu-process.js';
import { QmpServer } from '#bench/peers/qmp.js';
import { makeRom, RESERVED_BYTES, romParameters } from '#bench/peers/rom.js';

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;

function stampsAt(side: Stamp['side'], ...times: number[]): Stamp[] {
  return times.map((ms) => ({ ms, side, marks: 1 }));
}

describe('the gaps between marks', () => {
  const stamps = [
    ...stampsAt('source', 5, 40, 105, 112, 115),
    ...stampsAt('destination', 130, 132, 141, 170),
  ];

  it('are told apart by the switchover', () => {
    expect(gapsAround(stamps, 100, 150)).toEqual({ before: 7, across: 15, after: 9 });
  });

  it('do not count what was before the start', () => {
    expect(gapsAround(stamps, 104, 150)?.before).toBe(7);
    expect(gapsAround(stamps, 60, 150)?.before).toBe(45);
  });

  it('count one that is under way at the end until then', () => {
    expect(gapsAround(stamps, 100, 165)?.after).toBe(24);
  });

  it('begin with the start when the source was silent from then on', () => {
    expect(gapsAround(stamps, 120, 150)).toEqual({ before: 0, across: 10, after: 9 });
  });

  it('count the switchover until the guest goes on, however late', () => {
    expect(gapsAround(stamps, 100, 120)).toEqual({ before: 7, across: 15, after: 0 });
  });

  it('are unknown without marks on both sides', () => {
    expect(gapsAround(stampsAt('source', 5), 0, 10)).toBeNull();
    expect(gapsAround(stampsAt('destination', 5), 0, 10)).toBeNull();
    expect(gapsAround([], 0, 10)).toBeNull();
  });
});

describe('the stamps of marks', () => {
  it('are read as the reader writes them', () => {
    const file = Buffer.alloc(32);
    file.writeBigInt64LE(7_000_500_000n, 0);
    file.writeUInt32LE(2, 12);
    file.writeBigInt64LE(7_001_000_000n, 16);
    file.writeUInt32LE(1, 24);
    file.writeUInt32LE(1, 28);
    expect(decodeStamps(file)).toEqual([
      { ms: 7000.5, side: 'source', marks: 2 },
      { ms: 7001, side: 'destination', marks: 1 },
    ]);
  });

  it('are counted until any moment', () => {
    const until = markCounter([
      { ms: 10, side: 'source', marks: 2 },
      { ms: 20, side: 'source', marks: 1 },
      { ms: 30, side: 'destination', marks: 4 },
    ]);
    expect([9, 10, 25, 30, 99].map(until)).toEqual([0, 2, 3, 7, 7]);
  });
});

describe('the parameters of the guest', () => {
  it('put memory of 3.5 GiB or more on both sides of the hole for devices', () => {
    const chunks = (memoryBytes: number) => romParameters({ memoryBytes }).slice(0, 2);
    expect(chunks(2048 * MIB)).toEqual([1024n, 1024n]);
    expect(chunks(3584 * MIB)).toEqual([1536n, 1792n]);
    expect(chunks(4096 * MIB)).toEqual([1536n, 2048n]);
  });

  it('are refused when the guest cannot be like that', () => {
    expect(() => romParameters({ memoryBytes: 3 * MIB })).toThrow('multiple of 2 MiB');
    expect(() => romParameters({ memoryBytes: 64 * MIB, workingSetBytes: 64 * MIB })).toThrow(
      'too large',
    );
  });
});

/** Empty when there is no such process. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Processes whose command line names this folder. */
function processesOf(dir: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => commandLine(pid).includes(dir));
}

describe('a monitor', () => {
  it('whose QEMU resets the connection rejects what was asked of it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pf-qmp-'));
    const server = new QmpServer();
    try {
      const path = join(dir, 'monitor');
      await server.listen(path);
      const qemu = connect(path).pause();
      const monitor = server.connection();
      monitor.catch(() => {});
      await once(qemu, 'connect');
      // The command has come and is not read: to close now resets.
      await sleep(20);
      qemu.destroy();
      await expect(monitor).rejects.toThrow('QEMU has gone');
    } finally {
      server.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

const obstacle = qemuObstacle();

describe.skipIf(obstacle !== null)(`QEMU${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pf-qemu-'));
    vi.stubEnv('TMPDIR', dir);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true, force: true });
  });

  it('has a guest that is 64 KiB of BIOS with its parameters in front', () => {
    const image = readFileSync(
      makeRom(dir, { memoryBytes: 64 * MIB, workingSetBytes: 16 * MIB, fill: 'random' }),
    );
    expect(image.length).toBe(65536);
    // Where a processor begins: a far jump into the segment F000.
    expect(image[0xfff0]).toBe(0xea);
    expect(image.readUInt16LE(0xfff3)).toBe(0xf000);
    const words = [0, 1, 2, 3].map((i) => image.readBigUInt64LE(8 * i));
    expect(words).toEqual([32n, 32n, 4096n, 2n]);
  });

  it('moves a guest whose marks go on at the destination', async () => {
    const guest = { memoryBytes: 64 * MIB, fill: 'random', workingSetBytes: 16 * MIB } as const;
    const { stamps, startedMs, endedMs, figures, cpuSeconds } = await migrateQemu({
      guest,
      strategy: 'pre-copy',
      observeMs: 50,
      populateDestination: true,
    });
    expect(figures.status).toBe('completed');
    expect(figures['total-time']).toBeGreaterThan(0);
    // Random pages travel in full: were they alike or zero, they would count as duplicates.
    expect(figures.ram.normal).toBeGreaterThanOrEqual((64 * MIB - RESERVED_BYTES) / PAGE_BYTES);
    expect(cpuSeconds.source).toBeGreaterThan(0);

    const sides = stamps.map(({ side }) => side);
    expect(sides).toContain('source');
    expect(sides.lastIndexOf('source')).toBeLessThan(sides.indexOf('destination'));
    const gaps = gapsAround(stamps, startedMs, endedMs);
    expect(gaps?.across).toBeGreaterThan(0);
    expect(readdirSync(dir)).toEqual([]);
    expect(processesOf(dir)).toEqual([]);
  });

  it('sends next to nothing of a guest that touched nothing', async () => {
    const { figures, stamps } = await migrateQemu({
      guest: { memoryBytes: 64 * MIB, fill: 'none' },
      strategy: 'pre-copy',
    });
    expect(figures.ram.normal).toBeLessThan(64);
    expect(stamps).toEqual([]);
  });

  describe('midway', () => {
    /** A migration that would take a minute. */
    function start(signal?: AbortSignal) {
      const migrating = migrateQemu({
        guest: { memoryBytes: 64 * MIB, fill: 'random' },
        strategy: 'pre-copy',
        bandwidthBytesPerSecond: MIB,
        ...(signal === undefined ? {} : { signal }),
      });
      // Whoever awaits it later hears of it then.
      migrating.catch(() => {});
      return migrating;
    }

    // While the processes start, once they have, and while memory is on its way: it must hold at any time.
    it.each([0, 40, 800])('leaves neither process nor file, aborted after %i ms', async (ms) => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const migrating = start(controller.signal);
      await sleep(ms);
      controller.abort(reason);
      await expect(migrating).rejects.toBe(reason);
      expect(processesOf(dir)).toEqual([]);
      expect(readdirSync(dir)).toEqual([]);
    });

    it('leaves neither when one QEMU dies, and says which', async () => {
      const migrating = start();
      const destination = await vi.waitFor(() => {
        const found = processesOf(dir).find((pid) => commandLine(pid).includes('-incoming'));
        expect(found).toBeDefined();
        return found as number;
      }, 10_000);
      process.kill(destination, 'SIGKILL');
      await expect(migrating).rejects.toThrow('the destination QEMU ended with SIGKILL');
      expect(processesOf(dir)).toEqual([]);
      expect(readdirSync(dir)).toEqual([]);
    });
  });
});
