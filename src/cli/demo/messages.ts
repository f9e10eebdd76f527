/** What the demo and its two processes say to each other over their IPC channels. */
import type { ErrorCode } from '../../errors.js';
import type {
  MigrationReport,
  RoundReport,
  SourceOptions,
  SourcePhase,
  SourceProgress,
  StrategyName,
  WorkloadOptions,
} from '../../index.js';

/** An error on its way between processes. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly code: ErrorCode;
  readonly message: string;
}

export type ToSource =
  | {
      readonly type: 'migrate';
      readonly guest: WorkloadOptions;
      readonly options: SourceOptions & { readonly strategy: StrategyName };
    }
  | { readonly type: 'cancel' };

export type FromSource =
  | { readonly type: 'filled'; readonly summary: string }
  | { readonly type: 'phase'; readonly phase: SourcePhase }
  | { readonly type: 'round'; readonly round: RoundReport; readonly number: number }
  | { readonly type: 'progress'; readonly progress: SourceProgress }
  | { readonly type: 'ended'; readonly report: MigrationReport }
  /** The answer to a cancel that came after the commit point. */
  | { readonly type: 'too-late' }
  | ErrorMessage;

export type ToDestination = {
  readonly type: 'listen';
  readonly stallMs: number;
  /** Of which guests may go through the snapshots. */
  readonly images: readonly string[];
};

export type FromDestination =
  | { readonly type: 'listening'; readonly host: string; readonly port: number }
  /** A migration is over on this side and its guest's memory is free again. */
  | { readonly type: 'over' }
  | ErrorMessage;
