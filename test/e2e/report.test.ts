import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../src/metrics/report.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/vocabulary.js';
import { failureOf, migrate, Receiving } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';

const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

/** The fields that a section of docs/metrics.md explains. */
function documented(section: string): string[] {
  const text = document.split(`${section}\n`)[1]?.split(/\n#/)[0] ?? '';
  const firstCells = text.split('\n').map((line) => line.split('|')[1] ?? '');
  return firstCells
    .flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name ?? ''))
    .sort();
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

async function reportOf(strategy: StrategyName): Promise<MigrationReport> {
  const receiving = await Receiving.start();
  const guest = await startGuest({ threads: 2, fill: { kind: 'text' } });
  return await migrate(guest, receiving.port, {
    strategy,
    compression: 'lz4',
    channels: 2,
    observeMs: 50,
  });
}

describe('the report of a migration', () => {
  it.each([
    [false, null],
    [{ pages: 100 }, 100],
    [true, 4096],
  ])('with verify: %j says that it compared %j pages', async (verify, pages) => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 16 * MIB });
    const options = { strategy: 'pre-copy', verify, observeMs: 1 } as const;
    const { verification, guestVerified } = await migrate(guest, receiving.port, options);
    expect(verification?.pagesCompared ?? null).toBe(pages);
    expect(guestVerified).toBe(pages === null ? null : true);
  });
});

describe('the rounds in the report', () => {
  it('say what went out by which level of zstd', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ fill: { kind: 'text' } });
    const { rounds } = await migrate(guest, receiving.port, {
      strategy: 'pre-copy',
      compression: 'zstd:3',
      observeMs: 1,
    });
    const sent = rounds.filter(({ contents }) => contents.zstd !== undefined);
    expect(sent.length).toBeGreaterThan(0);
    for (const { contents, zstdLevels } of sent) expect(zstdLevels).toEqual({ 3: contents.zstd });
  });
});

describe.each(STRATEGY_NAMES)('the report of %s', (strategy) => {
  it('has every documented field, and adds up', async () => {
    const report = await reportOf(strategy);
    expect(Object.keys(report).sort()).toEqual(documented('## The report'));
    expect(Object.keys(report.downtimeParts ?? {}).sort()).toEqual(
      documented('### `downtimeParts`'),
    );
    expect(Object.keys(report.guest ?? {}).sort()).toEqual(documented('### `guest`'));
    expect(Object.keys(report.preCopy ?? {}).sort()).toEqual(
      strategy === 'pre-copy' ? documented('### `preCopy`') : [],
    );
    expect(Object.keys(report.faultLatencyUs)).toEqual(['p50', 'p99', 'p999', 'max']);
    for (const round of report.rounds) {
      expect(Object.keys(round)).toEqual([
        'pages',
        'pagesRaw',
        'pagesZero',
        'pagesEncoded',
        'pagesDelta',
        'bytesDelta',
        'pagesSkipped',
        'contents',
        'zstdLevels',
        'waits',
        'effort',
        'wireBytes',
        'ms',
        'dirtyPages',
        'rateBytesPerSecond',
      ]);
    }

    expect(sum(Object.values(report.downtimeParts ?? {}))).toBeCloseTo(
      report.downtimeMs as number,
      3,
    );
    expect(Math.min(...Object.values(report.downtimeParts ?? {}))).toBeGreaterThanOrEqual(0);
    expect(sum(Object.values(report.pagesByContent))).toBe(report.pagesSent);
    expect(report.pagesSent).toBeGreaterThanOrEqual((16 * MIB) / 4096);
    expect(sum(report.rounds.map(({ pages }) => pages))).toBeLessThanOrEqual(report.pagesSent);
    expect(sum(report.rounds.map(({ wireBytes }) => wireBytes))).toBeLessThanOrEqual(
      report.wireBytes,
    );
    expect(report.downtimeMs).toBeLessThan(report.totalMs);
    expect(report.guest?.longestGapMs).toBeGreaterThanOrEqual(report.downtimeMs as number);
    expect(report.demandFaultsOverNetwork).toBeLessThanOrEqual(report.demandFaults);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('says what was special about it', async () => {
    const report = await reportOf(strategy);
    const isPostCopy = strategy === 'post-copy' || strategy === 'hybrid';
    expect(report).toMatchObject({
      strategy,
      outcome: 'completed',
      guestLocation: 'destination',
      guestVerified: true,
      error: null,
      compression: 'lz4',
      channels: 2,
      memoryBytes: 16 * MIB,
      clock: 'shared',
      clockErrorMs: 0,
    });
    expect(report.tracker === null).toBe(report.rounds.length === 0);
    expect(report.rounds.length > 0).toBe(strategy === 'pre-copy' || strategy === 'hybrid');
    expect(report.demandFaults > 0).toBe(isPostCopy);
    expect(report.pagesByContent['lz4']).toBeGreaterThan(0);
    const { p50, p99, p999, max } = report.faultLatencyUs;
    expect([p50, p99, p999, max]).toEqual([p50, p99, p999, max].sort((a, b) => a - b));
    expect(p50 > 0).toBe(report.demandFaultsOverNetwork > 0);
    for (const rate of ['opsPerSecondBefore', 'opsPerSecondAfter'] as const) {
      expect(report.guest?.[rate]).toBeGreaterThan(0);
    }
    // A migration that is over in milliseconds may leave it no operation.
    expect(report.guest?.opsPerSecondDuring).toBeGreaterThanOrEqual(0);
  });
});

describe('the report of a migration that failed', () => {
  it('has the same fields', async () => {
    const receiving = await Receiving.start({ memoryLimitBytes: MIB });
    const guest = await startGuest();
    const { code, message, report } = await failureOf(migrate(guest, receiving.port));
    expect(code).toBe('GUEST_TOO_LARGE');
    expect(Object.keys(report).sort()).toEqual(documented('## The report'));
    expect(report).toMatchObject({
      outcome: 'failed',
      guestLocation: 'source',
      guestVerified: null,
      error: { code, message },
      downtimeMs: null,
      downtimeParts: null,
      pagesSent: 0,
    });
    expect(report.guest?.longestGapMs).toBeGreaterThan(0);
  });
});

describe('the wire', () => {
  it('carries raw pages with little around them, and zero pages in next to nothing', async () => {
    const receiving = await Receiving.start();
    const [full, zero] = await Promise.all(
      (['random', 'zero'] as const).map((kind) => startGuest({ workload: 'idle', fill: { kind } })),
    );
    if (full === undefined || zero === undefined) throw new Error('no guests');
    const raw = await migrate(full, receiving.port);
    expect(raw.pagesByContent).toMatchObject({ raw: 4096, zero: 0 });
    expect(raw.wireBytes).toBeGreaterThan(16 * MIB);
    expect(raw.wireBytes).toBeLessThan(16 * MIB * 1.01);
    expect((await migrate(zero, receiving.port)).wireBytes).toBeLessThan(4096);
  });

  it('carries the pages of a text in fewer bytes with lz4', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ workload: 'idle', fill: { kind: 'text' } });
    const report = await migrate(guest, receiving.port, { compression: 'lz4' });
    expect(report.wireBytes).toBeLessThan(15 * MIB);
  });

  it('carries no more than the rate limit allows', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ workload: 'idle' });
    const report = await migrate(guest, receiving.port, {
      bandwidthBytesPerSecond: 16 * MIB,
      channels: 3,
    });
    expect(report.totalMs).toBeGreaterThan(900);
  });
});
