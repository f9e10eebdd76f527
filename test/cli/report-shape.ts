/** The documented fields of a migration's report (docs/metrics.md). */
import { expect } from 'vitest';

const number = expect.any(Number);
const text = expect.any(String);

export const COMPLETED_REPORT = {
  migrationId: expect.stringMatching(/^[0-9a-f]{32}$/),
  strategy: text,
  outcome: 'completed',
  guestLocation: 'destination',
  guestVerified: true,
  verification: {
    pagesCompared: number,
    pagesDifferent: 0,
    firstDifferentPage: null,
    failedReads: 0,
  },
  error: null,
  compression: text,
  channels: number,
  memoryBytes: number,
  totalMs: number,
  downtimeMs: number,
  downtimeParts: {
    pauseMs: number,
    finalRoundMs: number,
    stateMs: number,
    readyMs: number,
    resumeMs: number,
  },
  clock: 'shared',
  clockErrorMs: 0,
  pagesSent: number,
  pagesServed: number,
  pagesByContent: expect.objectContaining({ raw: number, zero: number }),
  wireBytes: number,
  demandFaults: number,
  demandFaultsOverNetwork: number,
  duplicatePages: number,
  faultLatencyUs: { p50: number, p99: number, p999: number, max: number },
  guest: {
    workload: text,
    fill: text,
    longestGapMs: number,
    gapResolutionMs: number,
    // Null where the guest got no core in the time before, as beside other tests.
    lostMs: expect.toSatisfy((value) => value === null || typeof value === 'number'),
    opsPerSecondBefore: number,
    opsPerSecondSlowest: number,
    opsPerSecondDuring: number,
    opsPerSecondAfter: number,
  },
};

/** Where any were kept; without a second round no page was asked for its version. */
export const VERSIONS = {
  bytes: number,
  hitRate: expect.toBeOneOf([number, null]),
  savedBytes: number,
};

export const PRE_COPY = {
  stoppedBecause: text,
  predictedDowntimeMs: number,
  downtimeBudgetMs: 50,
  budgetMet: expect.any(Boolean),
};

export const ROUND = {
  pages: number,
  pagesRaw: number,
  pagesZero: number,
  pagesEncoded: number,
  pagesDelta: number,
  bytesDelta: number,
  pagesSkipped: number,
  contents: expect.any(Object),
  zstdLevels: expect.any(Object),
  effort: expect.objectContaining({ lower: text, upper: text, encoders: number }),
  waits: { socketMs: number, rateMs: number, encoderMs: number },
  wireBytes: number,
  ms: number,
  dirtyPages: number,
  rateBytesPerSecond: number,
};

export interface ReportsDocument {
  readonly version: number;
  readonly migrations: readonly (Record<string, unknown> & {
    readonly strategy: string;
    readonly tracker: string | null;
    readonly rounds: readonly unknown[];
    readonly preCopy: unknown;
    readonly versions: unknown;
  })[];
}
