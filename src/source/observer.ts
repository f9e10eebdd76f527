/** What the phases of a migration tell while they run. */
import type { SourcePhase } from '../metrics/events.js';
import type { RoundReport } from '../metrics/report.js';

export interface Observer {
  phase(phase: SourcePhase): void;
  /** A round begins or a push: so many pages are to be sent. */
  sending(pages: number, round: number): void;
  round(round: RoundReport, number: number): void;
}
