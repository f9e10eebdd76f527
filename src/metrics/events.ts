/** What a migration tells while it runs. */
import type { RoundReport } from './report.js';

/** The source's phases, in their order; `rounds` and `push` only where the strategy has them. */
export const SOURCE_PHASES = [
  'negotiate',
  'open-channels',
  'copy-rounds',
  'pause-guest',
  'final-round',
  'commit-switchover',
  'push-residual-set',
  'finish',
  'verify',
] as const;
export type SourcePhase = (typeof SOURCE_PHASES)[number];

export interface SourceProgress {
  readonly phase: SourcePhase;
  readonly elapsedMs: number;
  /** The round under way; 0 is the first. */
  readonly round: number;
  readonly pagesSent: number;
  readonly wireBytes: number;
  /** Over the time since the last progress event. */
  readonly rateBytesPerSecond: number;
  /** Distinct pages per second, measured over the last round. */
  readonly dirtyPagesPerSecond: number;
  /** Pages that this round or push is about. */
  readonly pagesToSend: number;
  /** Demand pages that were served so far. */
  readonly pagesServed: number;
}

export interface SourceEvents {
  phase: [phase: SourcePhase];
  round: [round: RoundReport, number: number];
  progress: [progress: SourceProgress];
}
