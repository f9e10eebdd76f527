/** What the engine really sends is what the document says: migrations are captured, and read by who shares no code. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Capture } from '../../src/conformance/capture.js';
import { type CaptureCheck, checkCapture } from '../../src/conformance/check-capture.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import type { Guest } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import type { SourceOptions } from '../../src/source/options.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { atEnd } from '../support/at-end.js';
import { CountingWorkerGuest } from '../support/counting-guest.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';
import { preSharedKeyFile } from '../support/lab.js';
import { temporaryFolder } from '../support/traces.js';
import { until } from '../support/until.js';

const PAGE_BYTES = 4096;

/** A destination that captures, and a place for the source's capture. */
async function captured(options: Partial<DestinationOptions> = {}) {
  const folder = temporaryFolder();
  const receiving = await Receiving.start({ tee: folder, ...options });
  const tee = join(temporaryFolder(), 'source.capture');
  return {
    receiving,
    tee,
    folder,
    /** Of both sides, once all is over. */
    async checks(): Promise<{ source: CaptureCheck; destination: CaptureCheck }> {
      await until('the migration is over', () => receiving.destination.migrations === 0);
      await receiving.destination.close();
      const [name = ''] = readdirSync(folder);
      expect(readdirSync(folder)).toHaveLength(1);
      const [source, destination] = await Promise.all([read(tee), read(join(folder, name))]);
      expect(name).toBe(`${destination.migrationId}.capture`);
      return { source, destination };
    },
  };
}

async function read(path: string): Promise<CaptureCheck> {
  return await checkCapture(createReadStream(path));
}

/** Of what went to the destination, by channel. */
async function digestsOf(path: string): Promise<Readonly<Record<string, string>>> {
  const { capture } = await Capture.open(createReadStream(path));
  const hashes: Record<string, Hash> = {};
  for await (const { role, number, direction, bytes } of capture.blocks()) {
    if (direction !== 'to-destination') continue;
    const name = `${role} ${number}`;
    hashes[name] ??= createHash('sha256');
    hashes[name].update(bytes);
  }
  const digests = Object.entries(hashes).map(([name, hash]) => [name, hash.digest('hex')]);
  return Object.fromEntries(digests);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}

const CASES = STRATEGY_NAMES.flatMap((strategy) => [
  { strategy, channels: 1, compression: 'raw', fill: 'random' } as const,
  { strategy, channels: 3, compression: 'lz4', fill: 'text' } as const,
  { strategy, channels: 2, compression: 'lz4', fill: 'zero' } as const,
]);

/** Each compression, and a content that only it, or only its deltas, put on the wire. */
const ENCODED = [
  // Which of them it is follows the link and the load.
  {
    compression: 'auto',
    contents: ['zstd', 'zstd-delta', 'lz4', 'wkdm64'],
    fill: 'text',
  },
  { compression: 'lz4', cacheBytes: 64 * MIB, contents: ['lz4-delta'], fill: 'text' },
  { compression: 'zstd', cacheBytes: 64 * MIB, contents: ['zstd-delta'], fill: 'text' },
  { compression: 'zstd:5', contents: ['zstd'], fill: 'text' },
  { compression: 'wkdm', contents: ['wkdm64'], fill: 'zero' },
  { compression: 'mecom', contents: ['lz4'], fill: 'text' },
  { compression: 'xbzrle', contents: ['xbzrle'], fill: 'text' },
] as const;

/** All at once, and every byte of each is read twice: on a slow machine that takes a minute by itself. */
const PATIENCE = { timeout: 180_000 };

describe.concurrent('a migration as it was captured on both sides', PATIENCE, () => {
  it.each(CASES)(
    'is right by $strategy over $channels channels, $compression, of $fill pages',
    async ({ strategy, channels, compression, fill }) => {
      const { receiving, tee, checks } = await captured();
      const guest = await startGuest({
        memoryBytes: 12 * MIB,
        fill: { kind: fill },
        writesPerSecond: 2000,
        threads: 2,
      });
      const report = await migrate(guest, receiving.port, { strategy, channels, compression, tee });
      expect(report.guestVerified).toBe(true);
      const { source, destination } = await checks();
      for (const check of [source, destination]) {
        expect(check.violations).toEqual([]);
        expect(check).toMatchObject({ outcome: 'completed', strategy, cut: null });
      }
      const carried = Object.entries(source.pages).filter(([content]) => content !== 'missing');
      expect(sum(carried.map(([, pages]) => pages))).toBe(report.pagesSent);
      expect(source.records.request).toBe(report.demandFaultsOverNetwork);
      const preambles = (channels + 1) * (40 + 24);
      const data = source.bytes.filter(({ channel }) => channel !== 'control');
      expect(sum(data.map((one) => one['to-destination']))).toBeGreaterThanOrEqual(
        report.wireBytes - preambles,
      );
      expect(source.bytes.find(({ channel }) => channel === 'control')).toEqual(
        destination.bytes.find(({ channel }) => channel === 'control'),
      );
      // Each looks at the bytes on its own side; without post-copy both have all of them.
      if (strategy === 'pre-copy' || strategy === 'stop-and-copy') {
        expect(destination.pages).toEqual(source.pages);
      }
    },
  );

  it.each(ENCODED)('is right by pre-copy as $compression, deltas among them', async (options) => {
    const { contents, fill, ...migration } = options;
    const { receiving, tee, checks } = await captured();
    const guest = await startGuest({
      memoryBytes: 4 * MIB,
      workload: 'uniform',
      fill: { kind: fill },
      writesPerSecond: 20_000,
    });
    const wanted = { ...migration, strategy: 'pre-copy', channels: 2, tee } as const;
    // Two rounds at least: what is sent again was sent before.
    const report = await migrate(guest, receiving.port, {
      ...wanted,
      bandwidthBytesPerSecond: 20e6,
      downtimeBudgetMs: 0,
      maxRounds: 3,
    });
    expect(report.guestVerified).toBe(true);
    expect(sum(contents.map((content) => report.pagesByContent[content] ?? 0))).toBeGreaterThan(0);
    const { source, destination } = await checks();
    expect([...source.violations, ...destination.violations]).toEqual([]);
    const carried = Object.entries(source.pages).filter(([name]) => name !== 'missing');
    expect(sum(carried.map(([, pages]) => pages))).toBe(report.pagesSent);
    expect(destination.pages).toEqual(source.pages);
  });

  it.each(STRATEGY_NAMES)('is right by %s of a guest of several regions', async (strategy) => {
    const { receiving, tee, checks } = await captured({ createGuest: CountingWorkerGuest.arrive });
    const memory = createGuestMemory([3 * PAGE_BYTES, 5 * MIB, PAGE_BYTES, 2 * MIB + PAGE_BYTES]);
    const guest = new CountingWorkerGuest(memory);
    atEnd(() => guest.discard());
    await guest.resume();
    await migrate(guest, receiving.port, { strategy, channels: 2, tee });
    const arrived: Guest = await receiving.nextArrived();
    atEnd(() => arrived.discard?.());
    const { source, destination } = await checks();
    expect([...source.violations, ...destination.violations]).toEqual([]);
  });

  it.each(STRATEGY_NAMES)('is right by %s where the channels are encrypted', async (strategy) => {
    const preSharedKey = preSharedKeyFile();
    const { receiving, tee, checks } = await captured({ tls: { preSharedKey } });
    // Its pages change while they are sent: what was sealed must be what was captured.
    const guest = await startGuest({ memoryBytes: 8 * MIB, fill: { kind: 'text' }, threads: 2 });
    const options = {
      strategy,
      channels: 2,
      compression: 'lz4',
      tee,
      tls: { preSharedKey },
    } as const;
    expect((await migrate(guest, receiving.port, options)).guestVerified).toBe(true);
    const { source, destination } = await checks();
    expect([...source.violations, ...destination.violations]).toEqual([]);
    expect(source.outcome).toBe('completed');
  });

  it('has the same bytes on both sides, though pages change while they are sealed and sent', async () => {
    const preSharedKey = preSharedKeyFile();
    const { receiving, tee, folder } = await captured({ tls: { preSharedKey } });
    const guest = await startGuest({ memoryBytes: 24 * MIB, threads: 2 });
    const options = { strategy: 'pre-copy', channels: 2, tee, tls: { preSharedKey } } as const;
    expect((await migrate(guest, receiving.port, options)).guestVerified).toBe(true);
    await receiving.destination.close();
    const there = join(folder, readdirSync(folder)[0] as string);
    expect(await digestsOf(tee)).toEqual(await digestsOf(there));
  });

  it.each(['copy-rounds', 'final-round', 'negotiate'] as const)(
    'is right up to where it was cancelled: %s',
    async (phase) => {
      const { receiving, tee, checks } = await captured();
      const guest = await startGuest({ writesPerSecond: 20_000 });
      const source = sourceFor(guest, receiving.port, { strategy: 'pre-copy', tee });
      source.on('phase', (begun) => {
        if (begun === phase) source.cancel();
      });
      await failureOf(source.migrate());
      if (phase === 'negotiate') return;
      const both = await checks();
      expect([...both.source.violations, ...both.destination.violations]).toEqual([]);
      expect(both.source).toMatchObject({ outcome: 'cancelled', cut: null });
      expect(both.destination).toMatchObject({ outcome: 'cancelled', cut: null });
    },
  );

  it('is right where the destination refuses the guest', async () => {
    const { receiving, tee, checks } = await captured({ memoryLimitBytes: MIB });
    const guest = await startGuest({ writesPerSecond: 20_000 });
    const error = await failureOf(migrate(guest, receiving.port, { tee }));
    expect(error.code).toBe('GUEST_TOO_LARGE');
    const { source, destination } = await checks();
    expect([...source.violations, ...destination.violations]).toEqual([]);
    expect(source.outcome).toBe('failed');
  });

  it('is right where the connection is refused', async () => {
    const { receiving, tee } = await captured();
    const first = await startGuest({ memoryBytes: 4 * MIB, writesPerSecond: 1000 });
    const migrationId = '0123456789abcdef0123456789abcdef';
    await migrate(first, receiving.port, { migrationId });
    const second = await startGuest({ memoryBytes: 4 * MIB, writesPerSecond: 1000 });
    const error = await failureOf(migrate(second, receiving.port, { migrationId, tee }));
    expect(error.code).toBe('ID_IN_USE');
    expect(await read(tee)).toMatchObject({ outcome: 'refused', violations: [], cut: null });
  });
});

describe('a capture', () => {
  const wrong: readonly (readonly [string, Partial<SourceOptions>])[] = [
    ['a folder', { tee: '/' }],
    ['in no folder', { tee: '/no/such/folder/file' }],
    ['without a name', { tee: '' }],
  ];
  it.each(wrong)(
    'that cannot be written is refused before anything happens: %s',
    async (_what, options) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ memoryBytes: MIB });
      const attempt = async () => await migrate(guest, receiving.port, options);
      await expect(attempt()).rejects.toMatchObject({ code: 'USAGE' });
      expect((await migrate(guest, receiving.port)).guestVerified).toBe(true);
    },
  );

  it('is refused to a destination where there is no folder', async () => {
    await expect(Receiving.listen({ tee: '/no/such/folder' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('/no/such/folder'),
    });
  });
});
