/** Collects a migration's figures while it runs and makes the report of them. */
import type { PageferryError } from '../errors.js';
import type { SendStats, TrackerKind, Verification } from '../native/binding.js';
import type { ClockComparison } from '../policy/clock.js';
import type { RoundOutcome } from '../policy/convergence.js';
import type { DestinationMessage } from '../protocol/messages.js';
import type {
  DowntimeParts,
  GuestLocation,
  MigrationReport,
  Outcome,
  RoundReport,
} from './report.js';

type Complete = Extract<DestinationMessage, { type: 'complete' }>;

export interface Setup {
  readonly strategy: string;
  readonly codec: string;
  readonly channels: number;
  readonly memoryBytes: number;
  readonly workload: string | null;
}

/** A duration in milliseconds between two readings of the monotonic clock. */
export function msBetween(startNs: bigint, endNs: bigint): number {
  return Number(endNs - startNs) / 1e6;
}

export class Recorder {
  readonly #setup: Setup;
  readonly #rounds: RoundReport[] = [];
  readonly #pages: Record<string, number> = { raw: 0, zero: 0 };
  #startedNs = 0n;
  #tracker: TrackerKind | null = null;
  #clock: Pick<ClockComparison, 'kind' | 'errorMs'> = { kind: 'shared', errorMs: 0 };
  #downtimeMs: number | null = null;
  #downtimeParts: DowntimeParts | null = null;
  #complete: Complete | null = null;
  #verification: Verification | null = null;
  #operations = {
    atStart: 0,
    perSecondBefore: null as number | null,
    perSecondAfter: null as number | null,
  };
  #longestGapOnSource: number | null = null;
  #endedNs: bigint | null = null;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  start(operations: number): void {
    this.#startedNs = process.hrtime.bigint();
    this.#operations.atStart = operations;
  }

  get elapsedMs(): number {
    return msBetween(this.#startedNs, process.hrtime.bigint());
  }

  /** Rounds in which the guest ran, as the policies see them. */
  get rounds(): readonly RoundOutcome[] {
    return this.#rounds;
  }

  tracked(tracker: TrackerKind): void {
    this.#tracker = tracker;
  }

  clockCompared(clock: ClockComparison): void {
    this.#clock = clock;
  }

  throughputBefore(opsPerSecond: number): void {
    this.#operations.perSecondBefore = opsPerSecond;
  }

  /** Counts pages by codec; every send goes through here once. */
  sent(stats: SendStats): void {
    this.#pages['raw'] = (this.#pages['raw'] ?? 0) + stats.pagesRaw;
    this.#pages['zero'] = (this.#pages['zero'] ?? 0) + stats.pagesZero;
    if (stats.pagesEncoded > 0) {
      this.#pages[this.#setup.codec] = (this.#pages[this.#setup.codec] ?? 0) + stats.pagesEncoded;
    }
  }

  served(stats: { pages: number; pagesZero: number }): void {
    this.#pages['raw'] = (this.#pages['raw'] ?? 0) + stats.pages - stats.pagesZero;
    this.#pages['zero'] = (this.#pages['zero'] ?? 0) + stats.pagesZero;
  }

  round(stats: SendStats, ms: number, dirtyPages: number): RoundReport {
    const round: RoundReport = {
      pages: stats.pagesRaw + stats.pagesZero + stats.pagesEncoded,
      wireBytes: stats.wireBytes,
      ms,
      dirtyPages,
      rateBytesPerSecond: ms > 0 ? (stats.wireBytes / ms) * 1000 : 0,
    };
    this.#rounds.push(round);
    return round;
  }

  switchedOver(downtimeMs: number, parts: DowntimeParts): void {
    this.#downtimeMs = downtimeMs;
    this.#downtimeParts = parts;
  }

  completed(message: Complete): void {
    this.#complete = message;
    this.#endedNs = process.hrtime.bigint();
  }

  verified(verification: Verification | null, opsPerSecondAfter: number | null): void {
    this.#verification = verification;
    this.#operations.perSecondAfter = opsPerSecondAfter;
  }

  /** For a guest that stayed: what it felt here. */
  observedOnSource(longestGapMs: number): void {
    this.#longestGapOnSource = longestGapMs;
  }

  report(
    outcome: Outcome,
    guestLocation: GuestLocation,
    wireBytes: number,
    error: PageferryError | null,
  ): MigrationReport {
    const complete = this.#complete;
    const totalMs = msBetween(this.#startedNs, this.#endedNs ?? process.hrtime.bigint());
    return {
      strategy: this.#setup.strategy,
      outcome,
      guestLocation,
      guestVerified: this.#guestVerified(),
      verification: this.#verification,
      error: error === null ? null : { code: error.code, message: error.message },
      tracker: this.#tracker,
      codec: this.#setup.codec,
      channels: this.#setup.channels,
      memoryBytes: this.#setup.memoryBytes,
      totalMs,
      downtimeMs: this.#downtimeMs,
      downtimeParts: this.#downtimeParts,
      clock: this.#clock.kind,
      clockErrorMs: this.#clock.errorMs,
      rounds: [...this.#rounds],
      pagesSent: Object.values(this.#pages).reduce((sum, pages) => sum + pages, 0),
      pagesByCodec: { ...this.#pages },
      wireBytes,
      demandFaults: complete?.demandFaults ?? 0,
      demandFaultsOverNetwork: complete?.demandFaultsOverNetwork ?? 0,
      duplicatePages: complete?.duplicatePages ?? 0,
      faultLatencyUs: complete?.faultLatencyUs ?? { p50: 0, p99: 0, p999: 0, max: 0 },
      guest: this.#guest(totalMs),
    };
  }

  #guestVerified(): boolean | null {
    if (this.#verification === null) return null;
    return this.#verification.pagesDifferent === 0 && this.#verification.failedReads === 0;
  }

  #guest(totalMs: number): MigrationReport['guest'] {
    if (this.#setup.workload === null) return null;
    const there = this.#complete?.guest ?? null;
    const operations = there === null ? null : there.operations - this.#operations.atStart;
    return {
      workload: this.#setup.workload,
      longestGapMs: there?.longestGapMs ?? this.#longestGapOnSource,
      opsPerSecondBefore: this.#operations.perSecondBefore,
      opsPerSecondDuring: operations === null ? null : (operations / totalMs) * 1000,
      opsPerSecondAfter: this.#operations.perSecondAfter,
    };
  }
}
