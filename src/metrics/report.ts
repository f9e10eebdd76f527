/** What a migration was like. docs/metrics.md says how each figure is measured. */
import type { ErrorCode } from '../errors.js';
import type { FaultLatency, TrackerKind, Verification } from '../native/binding.js';

export type Outcome = 'completed' | 'failed' | 'cancelled';

/** Where the guest is after the migration; `unknown` and `lost` never run here again. */
export type GuestLocation = 'source' | 'destination' | 'unknown' | 'lost';

export interface RoundReport {
  readonly pages: number;
  readonly wireBytes: number;
  readonly ms: number;
  /** Pages found dirty after the round, still to be sent. */
  readonly dirtyPages: number;
  readonly rateBytesPerSecond: number;
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
  /** The longest time between two marks of one guest thread, from start to end of the migration. */
  readonly longestGapMs: number | null;
  readonly opsPerSecondBefore: number | null;
  readonly opsPerSecondDuring: number | null;
  readonly opsPerSecondAfter: number | null;
}

export interface MigrationReport {
  readonly strategy: string;
  readonly outcome: Outcome;
  readonly guestLocation: GuestLocation;
  /** True when every page was compared and equal; null when nobody asked. */
  readonly guestVerified: boolean | null;
  readonly verification: Verification | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** Null when the strategy needed none. */
  readonly tracker: TrackerKind | null;
  readonly codec: string;
  readonly channels: number;
  readonly memoryBytes: number;
  readonly totalMs: number;
  /** Null when the guest never ran on the destination. */
  readonly downtimeMs: number | null;
  readonly downtimeParts: DowntimeParts | null;
  /** `shared`: both sides read the same clock. `estimated`: two hosts; see clockErrorMs. */
  readonly clock: 'shared' | 'estimated';
  readonly clockErrorMs: number;
  readonly rounds: readonly RoundReport[];
  readonly pagesSent: number;
  readonly pagesByCodec: Readonly<Record<string, number>>;
  /** Counted at the page and fault sockets of the source. */
  readonly wireBytes: number;
  readonly demandFaults: number;
  readonly demandFaultsOverNetwork: number;
  readonly duplicatePages: number;
  /** Of the faults in `demandFaultsOverNetwork`; all 0 without one. */
  readonly faultLatencyUs: FaultLatency;
  readonly guest: GuestReport | null;
}
