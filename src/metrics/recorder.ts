/** Collects a migration's figures while it runs and makes the report of them. */
import type { PageferryError } from '../errors.js';
import type { GuestObservation } from '../guest/guest.js';
import type { ContentName } from '../native/contents.js';
import type { TrackerKind } from '../native/memory.js';
import type { SendStats } from '../native/sending.js';
import type { Verification } from '../native/workload.js';
import type { ClockComparison } from '../policy/clock.js';
import type { PreCopyDecision, RoundOutcome } from '../policy/convergence.js';
import type { DestinationMessage } from '../protocol/messages.js';
import type { Compression } from '../vocabulary.js';
import type {
  DowntimeParts,
  EffortReport,
  GuestLocation,
  MigrationReport,
  Outcome,
  PreCopyReport,
  RoundReport,
} from './report.js';
import { lostMs, opsPerSecond, type Reading, SlowestStretch } from './throughput.js';
import { DELTAS, versionsReport } from './versions.js';

type Complete = Extract<DestinationMessage, { type: 'complete' }>;

/** Throughput counts over stretches of this length: shorter ones say more of the kernel's ticks than of the guest. */
const SLOWEST_STRETCH_MS = 10;

export interface Setup {
  readonly migrationId: string;
  readonly strategy: string;
  /** What makes pages smaller. */
  readonly compression: Compression;
  readonly channels: number;
  readonly memoryBytes: number;
  readonly workload: string | null;
  readonly fill: string | null;
  /** Of the guest's gaps, as far as it says. */
  readonly gapResolutionMs: number | null;
}

/** What has been sent, whatever became of it: pages by content, demand pages among them, and bytes at the sockets. */
export interface Sent {
  readonly pages: Readonly<Partial<Record<ContentName, number>>>;
  /** Demand pages, which the others count, too. */
  readonly pagesServed: number;
  /** On the page and fault channels. */
  readonly wireBytes: number;
}

export function pagesOf({ pages }: Sent): number {
  return Object.values(pages).reduce((sum, count) => sum + count, 0);
}

function sumOf<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((sum, item) => sum + figure(item), 0);
}

/** A duration in milliseconds between two readings of the monotonic clock. */
export function msBetween(startNs: bigint, endNs: bigint): number {
  return Number(endNs - startNs) / 1e6;
}

export class Recorder {
  readonly #setup: Setup;
  readonly #rounds: RoundReport[] = [];
  #preCopy: PreCopyDecision | null = null;
  #startedNs: bigint | null = null;
  #tracker: TrackerKind | null = null;
  #compression: Compression;
  #clock: Pick<ClockComparison, 'kind' | 'errorMs'> = { kind: 'shared', errorMs: 0 };
  #downtimeMs: number | null = null;
  #downtimeParts: DowntimeParts | null = null;
  #complete: Complete | null = null;
  #verification: Verification | null = null;
  #opsPerSecondBefore: number | null = null;
  #opsPerSecondAfter: number | null = null;
  readonly #beforePause = new SlowestStretch(SLOWEST_STRETCH_MS);
  #operationsAtStart = 0;
  /** The last look at the guest, wherever it was then, at a moment of this host's clock. */
  #lastSeen: { readonly atNs: bigint; readonly guest: GuestObservation } | null = null;
  #endedNs: bigint | null = null;
  #guestRan = true;
  #versionBytes = 0;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#compression = setup.compression;
  }

  start(operations: number): void {
    this.#startedNs = process.hrtime.bigint();
    this.#operationsAtStart = operations;
    this.readBeforePause(operations);
  }

  /** The guest's counter, once more, before its pause. */
  readBeforePause(operations: number): void {
    this.#beforePause.add({ ms: this.elapsedMs, operations });
  }

  get elapsedMs(): number {
    return this.#msUntil(process.hrtime.bigint());
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
    this.#opsPerSecondBefore = opsPerSecond;
  }

  /** What pre-copy's last decision rests on; null for other strategies. */
  decided(preCopy: PreCopyDecision | null): void {
    this.#preCopy = preCopy;
  }

  round(
    stats: SendStats,
    ms: number,
    dirtyPages: number,
    effort: EffortReport | null,
  ): RoundReport {
    const { contents, zstdLevels, waits, pagesSkipped, wireBytes } = stats;
    const pagesRaw = contents.raw?.pages ?? 0;
    const pagesZero = contents.zero?.pages ?? 0;
    const pages = sumOf(Object.values(contents), ({ pages }) => pages);
    const deltas = DELTAS.flatMap((content) => contents[content] ?? []);
    const round: RoundReport = {
      pages,
      pagesRaw,
      pagesZero,
      pagesEncoded: pages - pagesRaw - pagesZero,
      pagesDelta: sumOf(deltas, ({ pages }) => pages),
      bytesDelta: sumOf(deltas, ({ bytesOut }) => bytesOut),
      pagesSkipped,
      contents,
      zstdLevels,
      waits,
      effort,
      wireBytes,
      ms,
      dirtyPages,
      rateBytesPerSecond: ms > 0 ? (wireBytes / ms) * 1000 : 0,
    };
    this.#rounds.push(round);
    return round;
  }

  /** So much was kept of what was sent, for deltas. */
  keptVersions(bytes: number): void {
    this.#versionBytes = Math.max(this.#versionBytes, bytes);
  }

  switchedOver(downtimeMs: number, parts: DowntimeParts): void {
    this.#downtimeMs = downtimeMs;
    this.#downtimeParts = parts;
  }

  /** `completedNs`: when the destination had every page, on this host's clock. */
  completed(message: Complete, completedNs: bigint): void {
    this.#complete = message;
    this.#endedNs = process.hrtime.bigint();
    if (message.guest !== null) this.#lastSeen = { atNs: completedNs, guest: message.guest };
  }

  verified(verification: Verification | null, opsPerSecondAfter: number | null): void {
    this.#verification = verification;
    this.#opsPerSecondAfter = opsPerSecondAfter;
  }

  /** Its owner had paused the guest: it has neither a downtime nor gaps, and lost nothing. */
  guestWasPaused(): void {
    this.#guestRan = false;
  }

  /** The destination takes no encoded pages, or not those. */
  sendsRaw(): void {
    this.#compression = 'raw';
  }

  /** For a guest that stayed: what it felt here. */
  observedOnSource(guest: GuestObservation): void {
    this.#lastSeen = { atNs: process.hrtime.bigint(), guest };
  }

  report(
    outcome: Outcome,
    guestLocation: GuestLocation,
    sent: Sent,
    error: PageferryError | null,
  ): MigrationReport {
    const complete = this.#complete;
    const totalMs = this.#msUntil(this.#endedNs ?? process.hrtime.bigint());
    return {
      migrationId: this.#setup.migrationId,
      strategy: this.#setup.strategy,
      outcome,
      guestLocation,
      guestVerified: this.#guestVerified(),
      verification: this.#verification,
      error: error === null ? null : { code: error.code, message: error.message },
      tracker: this.#tracker,
      compression: this.#compression,
      channels: this.#setup.channels,
      memoryBytes: this.#setup.memoryBytes,
      totalMs,
      downtimeMs: this.#downtimeMs,
      downtimeParts: this.#downtimeParts,
      clock: this.#clock.kind,
      clockErrorMs: this.#clock.errorMs,
      rounds: [...this.#rounds],
      preCopy: this.#preCopyReport(),
      pagesSent: pagesOf(sent),
      pagesByContent: { raw: 0, zero: 0, ...sent.pages },
      versions: versionsReport(this.#rounds, this.#versionBytes),
      pagesServed: sent.pagesServed,
      wireBytes: sent.wireBytes,
      // Each page that was served was a fault: so much is known without the destination's word.
      demandFaults: complete?.demandFaults ?? sent.pagesServed,
      demandFaultsOverNetwork: complete?.demandFaultsOverNetwork ?? sent.pagesServed,
      duplicatePages: complete?.duplicatePages ?? 0,
      faultLatencyUs: complete?.faultLatencyUs ?? { p50: 0, p99: 0, p999: 0, max: 0 },
      guest: this.#guest(),
    };
  }

  /** 0 for a migration that never began. */
  #msUntil(endNs: bigint): number {
    return this.#startedNs === null ? 0 : msBetween(this.#startedNs, endNs);
  }

  #preCopyReport(): PreCopyReport | null {
    const preCopy = this.#preCopy;
    if (preCopy === null || preCopy.decision === 'next-round') return null;
    const { stoppedBecause, predictedDowntimeMs, downtimeBudgetMs } = preCopy;
    return {
      stoppedBecause,
      predictedDowntimeMs: Number.isFinite(predictedDowntimeMs) ? predictedDowntimeMs : null,
      downtimeBudgetMs,
      budgetMet: this.#downtimeMs === null ? null : this.#downtimeMs <= downtimeBudgetMs,
    };
  }

  #guestVerified(): boolean | null {
    if (this.#verification === null) return null;
    return this.#verification.pagesDifferent === 0 && this.#verification.failedReads === 0;
  }

  #guest(): MigrationReport['guest'] {
    if (this.#setup.workload === null) return null;
    const before = this.#opsPerSecondBefore;
    const longestGapMs = this.#longestGapMs();
    const start = { ms: 0, operations: this.#operationsAtStart };
    const end = this.#lastReading();
    return {
      workload: this.#setup.workload,
      fill: this.#setup.fill,
      longestGapMs,
      gapResolutionMs: longestGapMs === null ? null : this.#setup.gapResolutionMs,
      lostMs:
        end === null || before === null || !this.#guestRan ? null : lostMs(start, end, before),
      opsPerSecondBefore: before,
      opsPerSecondSlowest: this.#guestRan ? this.#beforePause.opsPerSecond : null,
      opsPerSecondDuring: end === null ? null : opsPerSecond(start, end),
      opsPerSecondAfter: this.#opsPerSecondAfter,
    };
  }

  /** In milliseconds since the start, as the totals are. */
  #lastReading(): Reading | null {
    if (this.#lastSeen === null) return null;
    const { atNs, guest } = this.#lastSeen;
    return { ms: this.#msUntil(atNs), operations: guest.operations };
  }

  /** A guest that makes no marks has no gaps, and one that its owner had paused felt none. */
  #longestGapMs(): number | null {
    const longest = this.#lastSeen?.guest.longestGapMs ?? 0;
    return this.#guestRan && longest > 0 ? longest : null;
  }
}
