/** What a migration tells while it runs. */
import type { RoundReport } from './report.js';

/** The source's phases, in their order; `push-residual-set` and `verify` only where there is something to do. */
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
  /** Demand pages included. After the last event they are what the report says. */
  readonly pagesSent: number;
  /** At the page and fault sockets. */
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
