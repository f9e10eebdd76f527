/** What a migration was like. docs/metrics.md says how each figure is measured. */
import type { ErrorCode } from '../errors.js';
import type { Contents, ZstdLevels } from '../native/contents.js';
import type { TrackerKind } from '../native/memory.js';
import type { FaultLatency } from '../native/receiving.js';
import type { Waits } from '../native/sending.js';
import type { Verification } from '../native/workload.js';
import type { Obstacle } from '../policy/convergence.js';

export type Outcome = 'completed' | 'failed' | 'cancelled';

/** Where the guest is after the migration; `unknown` and `lost` never run here again. */
export type GuestLocation = 'source' | 'destination' | 'unknown' | 'lost';

/** How much was done at the end of a round to make pages smaller, and why (docs/compression.md). */
export interface EffortReport {
  /** The rung while the link waits for the encoders, and while they wait for it. */
  readonly lower: string;
  readonly upper: string;
  readonly deltas: string;
  readonly encoders: number;
  /** Null while it was not measured, and where the compression keeps to one rung; so are the others. */
  readonly linkBytesPerSecond: number | null;
  /** Measured ÷ table. */
  readonly costScale: number | null;
  /** A rung that leaves the share r of a page by the table leaves r to this power. */
  readonly sizeExponent: number | null;
}

export interface RoundReport {
  /** The sum of the next three. */
  readonly pages: number;
  readonly pagesRaw: number;
  readonly pagesZero: number;
  readonly pagesEncoded: number;
  /** Of these, those that were sent as what had changed of them, and their bytes. */
  readonly pagesDelta: number;
  readonly bytesDelta: number;
  /** Left out, because the guest had written them again: they count as dirty. */
  readonly pagesSkipped: number;
  /** The pages, their bytes and the time of the encoders, by content. */
  readonly contents: Contents;
  /** The same of the content `zstd`, by its level. */
  readonly zstdLevels: ZstdLevels;
  readonly waits: Waits;
  /** Null for a round that nobody decided the effort of. */
  readonly effort: EffortReport | null;
  readonly wireBytes: number;
  readonly ms: number;
  /** Pages found dirty after the round, still to be sent. */
  readonly dirtyPages: number;
  readonly rateBytesPerSecond: number;
}

export interface VersionsReport {
  /** The most that was kept. */
  readonly bytes: number;
  /** Of the pages that were sent again in a round, neither zero nor one repeated word, those that had one; null without such pages. */
  readonly hitRate: number | null;
  /** Of what those would have taken otherwise; an estimate. */
  readonly savedBytes: number;
}

/** How pre-copy ended its rounds. */
export interface PreCopyReport {
  /** `within-budget`, or why another round would not have helped. */
  readonly stoppedBecause: 'within-budget' | Obstacle;
  /** What the final round was expected to take; null while nothing was known about the rate. */
  readonly predictedDowntimeMs: number | null;
  readonly downtimeBudgetMs: number;
  /** The downtime is no longer than that; null without a downtime. */
  readonly budgetMet: boolean | null;
}

/** The downtime, split where time goes; the parts add up to it. */
export interface DowntimeParts {
  readonly pauseMs: number;
  /** Saving the guest's state, while the final round is under way. */
  readonly stateMs: number;
  /** The rest of the final round (or of the residual set's announcement), up to its last byte. */
  readonly finalRoundMs: number;
  /** Waiting for the destination: its last pages and loading the state. */
  readonly readyMs: number;
  readonly resumeMs: number;
}

export interface GuestReport {
  readonly workload: string;
  /** What its memory was filled with at first; null where that is not known, as of a guest that arrived. */
  readonly fill: string | null;
  /**
   * The longest time between two marks of one guest thread, from start to end of the migration; null for a guest that
   * makes none, or was paused.
   */
  readonly longestGapMs: number | null;
  /** So far apart marks may be while nothing disturbs the guest; null without a gap, or where it does not say. */
  readonly gapResolutionMs: number | null;
  /**
   * The guest's own time that the migration cost it: what it did not do, compared with its rate before. Null where that
   * is not known, and for a guest that was paused.
   */
  readonly lostMs: number | null;
  readonly opsPerSecondBefore: number | null;
  /** The least over 10 ms, from the start to the pause on the source: what arming and copying cost while it ran. */
  readonly opsPerSecondSlowest: number | null;
  readonly opsPerSecondDuring: number | null;
  readonly opsPerSecondAfter: number | null;
}

export interface MigrationReport {
  /** 32 hexadecimal digits, by which the destination knows it, too. */
  readonly migrationId: string;
  readonly strategy: string;
  readonly outcome: Outcome;
  readonly guestLocation: GuestLocation;
  /** True when every page was compared and equal; null when nobody asked. */
  readonly guestVerified: boolean | null;
  readonly verification: Verification | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** Null when the strategy needed none. */
  readonly tracker: TrackerKind | null;
  readonly compression: string;
  readonly channels: number;
  readonly memoryBytes: number;
  readonly totalMs: number;
  /** Null when the guest did not go on running on the destination. */
  readonly downtimeMs: number | null;
  readonly downtimeParts: DowntimeParts | null;
  /** `shared`: both sides read the same clock. `estimated`: two hosts; see clockErrorMs. */
  readonly clock: 'shared' | 'estimated';
  readonly clockErrorMs: number;
  readonly rounds: readonly RoundReport[];
  /** Null where pre-copy did not decide: another strategy, or it was ended before. */
  readonly preCopy: PreCopyReport | null;
  readonly pagesSent: number;
  readonly pagesByContent: Readonly<Record<string, number>>;
  /** What was kept of sent pages, as bases of deltas; null where nothing was. */
  readonly versions: VersionsReport | null;
  /** Demand pages among them. */
  readonly pagesServed: number;
  /** Counted at the page and fault sockets of the source. */
  readonly wireBytes: number;
  /** Where the destination did not say: those whose page was served. */
  readonly demandFaults: number;
  readonly demandFaultsOverNetwork: number;
  readonly duplicatePages: number;
  /** Of the faults in `demandFaultsOverNetwork`; all 0 without one. */
  readonly faultLatencyUs: FaultLatency;
  readonly guest: GuestReport | null;
}
