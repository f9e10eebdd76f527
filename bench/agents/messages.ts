// What the bench and its agents say to each other: JSON over the channel between the processes.
import type {
  DestinationOptions,
  MigrationReport,
  SourceOptions,
  SourcePhase,
  StrategyName,
} from '#engine/index.js';
import type { WantedCrowd } from '../lib/crowd.js';
import type { MemoryUse } from '../lib/memory-use.js';
import type { TouchLatencies } from '../lib/touch-guest.js';
import type { DestinationPoint, Round, SourcePoint } from '../result/schema.js';
import type { WantedGuest } from './guests.js';

/** A module that exports a `strategy`, and what that one is called. */
export interface StrategyModule {
  readonly name: string;
  /** A file: URL. */
  readonly module: string;
}

export type WantedStrategy = StrategyName | StrategyModule;

/** What a source is told, as far as a message can carry it. */
export interface WantedSource extends Omit<SourceOptions, 'strategy'> {
  readonly strategy: WantedStrategy;
  /** Pages in a block at most, where that is not the engine's choice. */
  readonly blockPages?: number;
}

/** To the source: the guest to make, and how to migrate it once it is told 'migrate'. */
export interface SourceTask {
  readonly guest: WantedGuest;
  readonly source: WantedSource;
  readonly announcePhases: boolean;
  readonly peakMemory: boolean;
  readonly timeline: boolean;
  /** For how long the guest's own speed is measured before. */
  readonly speedMs?: number | undefined;
}

/** To the destination: what will come. */
export interface DestinationTask {
  readonly guest: WantedGuest;
  readonly destination: Pick<DestinationOptions, 'host' | 'overcommit' | 'tls'> & {
    /** Has memory for the guests populated before they come. */
    readonly prepare?: boolean;
  };
  readonly guests: number;
  readonly peakMemory: boolean;
  readonly timeline: boolean;
}

/** To the strangers: where they come, until they are told 'leave'. */
export type CrowdTask = WantedCrowd;

/** What the source saw; times are of the monotonic clock. */
export interface SourceTimeline {
  readonly source: readonly SourcePoint[];
  readonly rounds: readonly Round[];
  readonly startedMs: number | null;
  readonly pausedMs: number | null;
}

/** What an agent was like from the migration's beginning to its end. */
interface AgentFigures {
  readonly cpuMs: number;
  readonly peakEngineBytes: number | null;
  readonly memory: MemoryUse;
}

export interface Migrated extends AgentFigures {
  readonly type: 'migrated';
  readonly report: MigrationReport;
  /** The guest's, before the migration; null where nobody asked. */
  readonly opsPerSecond: number | null;
  readonly timeline: SourceTimeline | null;
}

/** The longest gaps between two marks of the guest: before, across and after the switchover. */
export interface Gaps {
  readonly before: number;
  readonly across: number;
  readonly after: number;
}

export interface Arrived extends AgentFigures {
  readonly type: 'arrived';
  /** Of a guest that times its own reads. */
  readonly touches: TouchLatencies | null;
  readonly timeline: readonly DestinationPoint[] | null;
  readonly gapsMs: Gaps | null;
}

export interface Failed {
  readonly type: 'failed';
  readonly code?: unknown;
  readonly message: string;
}

export type SourceMessage =
  | { readonly type: 'made' }
  | { readonly type: 'phase'; readonly phase: SourcePhase }
  | Migrated
  | Failed;

export type DestinationMessage =
  | { readonly type: 'listening'; readonly port: number }
  | Arrived
  | Failed;

export type CrowdMessage =
  /** As many are there as a destination keeps, and more come. */
  | { readonly type: 'gathered' }
  /** `came`: connections, all in all. */
  | { readonly type: 'left'; readonly came: number }
  | Failed;

export type AgentMessage = SourceMessage | DestinationMessage | CrowdMessage;
