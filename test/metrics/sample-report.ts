/** A report as a migration of 64 MiB might make it. */
import type { MigrationReport } from '../../src/metrics/report.js';

export function sampleReport(changes: Partial<MigrationReport> = {}): MigrationReport {
  return {
    strategy: 'hybrid',
    outcome: 'completed',
    guestLocation: 'destination',
    guestVerified: true,
    verification: {
      pagesCompared: 16_384,
      pagesDifferent: 0,
      firstDifferentPage: null,
      failedReads: 0,
    },
    error: null,
    tracker: 'uffd-wp-async',
    codec: 'lz4',
    channels: 2,
    memoryBytes: 64 << 20,
    totalMs: 1250,
    downtimeMs: 12.5,
    downtimeParts: { pauseMs: 0.5, finalRoundMs: 6, stateMs: 1, readyMs: 4, resumeMs: 1 },
    clock: 'shared',
    clockErrorMs: 0,
    rounds: [
      {
        pages: 16_000,
        pagesRaw: 1000,
        pagesZero: 0,
        pagesEncoded: 15_000,
        wireBytes: 32 << 20,
        ms: 1000,
        dirtyPages: 384,
        rateBytesPerSecond: 32 << 20,
      },
    ],
    preCopy: null,
    pagesSent: 16_384,
    pagesByCodec: { raw: 1000, zero: 384, lz4: 15_000 },
    pagesServed: 100,
    wireBytes: 33 << 20,
    demandFaults: 120,
    demandFaultsOverNetwork: 100,
    duplicatePages: 3,
    faultLatencyUs: { p50: 25, p99: 250, p999: 900, max: 1200 },
    guest: {
      workload: 'kv',
      longestGapMs: 17.5,
      fill: null,
      lostMs: 610,
      opsPerSecondBefore: 160_000,
      opsPerSecondSlowest: 12_000,
      opsPerSecondDuring: 81_000,
      opsPerSecondAfter: null,
    },
    ...changes,
  };
}
