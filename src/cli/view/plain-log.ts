/** One line for each thing that happens, for logs and pipes. */
import type {
  MigrationReport,
  RoundReport,
  SourcePhase,
  SourceProgress,
  StrategyName,
} from '../../index.js';
import { formatBytes, formatDuration, formatRate, formatWhole } from '../../units.js';
import type { Output } from '../output.js';
import type { MigrationView } from './view.js';
import { gapText, optionalDuration, phaseText, verdict } from './wording.js';

/** Over before a line about them could be read; the rounds of `copy-rounds` have lines of their own. */
const BRIEF: readonly SourcePhase[] = ['open-channels', 'copy-rounds', 'pause-guest'];
/** Between two lines about a phase that goes on. */
const PROGRESS_EVERY_MS = 2000;

export class PlainLog implements MigrationView {
  readonly #output: Output;
  #strategy: StrategyName | undefined;
  #progressAt = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  preparing(strategy: StrategyName): void {
    this.#strategy = strategy;
    this.#progressAt = performance.now();
    this.#line('preparing the guest');
  }

  phase(phase: SourcePhase): void {
    this.#progressAt = performance.now();
    if (!BRIEF.includes(phase)) this.#line(phaseText(phase));
  }

  round(round: RoundReport, number: number): void {
    this.#progressAt = performance.now();
    this.#line(
      `round ${number}: ${formatWhole(round.pages)} pages in ${formatDuration(round.ms)} at ${formatRate(round.rateBytesPerSecond)}, ${formatWhole(round.dirtyPages)} dirty after it`,
    );
  }

  progress(progress: SourceProgress): void {
    if (performance.now() - this.#progressAt < PROGRESS_EVERY_MS) return;
    this.#progressAt = performance.now();
    const faults =
      progress.pagesServed > 0 ? `, ${formatWhole(progress.pagesServed)} demand pages` : '';
    this.#line(
      `${phaseText(progress.phase)}: round ${progress.round}, ${formatWhole(progress.pagesSent)} pages, ${formatBytes(progress.wireBytes)} so far at ${formatRate(progress.rateBytesPerSecond)}${faults}`,
    );
  }

  ended(report: MigrationReport): void {
    const gap = gapText(report);
    const total = formatDuration(report.totalMs);
    this.#line(
      report.outcome === 'completed'
        ? `${verdict(report)}: longest gap ${gap}, downtime ${optionalDuration(report.downtimeMs)}, total ${total}, ${formatBytes(report.wireBytes)} on the wire`
        : `${verdict(report)} after ${total}; longest gap ${gap}`,
    );
  }

  note(text: string): void {
    this.#output.line(text);
  }

  close(): void {
    this.#strategy = undefined;
  }

  #line(text: string): void {
    this.#output.line(`${this.#strategy ?? 'migration'}: ${text}`);
  }
}
