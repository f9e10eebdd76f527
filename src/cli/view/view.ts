/** What people see while migrations run: a live picture on a terminal, a plain log elsewhere. */
import type {
  MigrationReport,
  RoundReport,
  SourcePhase,
  SourceProgress,
  StrategyName,
} from '../../index.js';

/** Told about one migration after another. Figures only: a view decides nothing. */
export interface MigrationView {
  /** The guest is being made and watched; its migration has not begun. */
  preparing(strategy: StrategyName): void;
  phase(phase: SourcePhase): void;
  round(round: RoundReport, number: number): void;
  progress(progress: SourceProgress): void;
  ended(report: MigrationReport): void;
  /** Something worth a line of its own. */
  note(text: string): void;
  /** On return the terminal is as it was, with the last picture left on it. */
  close(): void;
}
