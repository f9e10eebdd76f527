/** One line for each strategy, redrawn in place. */
import { createLogUpdate } from 'log-update';
import type {
  MigrationReport,
  RoundReport,
  SourcePhase,
  SourceProgress,
  StrategyName,
} from '../../index.js';
import { formatCount, formatDuration, formatRate } from '../../units.js';
import type { Output } from '../output.js';
import type { MigrationView } from './view.js';
import { gapText, isGood, optionalDuration, phaseText, verdict } from './wording.js';

const BAR_CELLS = 12;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW_MS = 100;

/** What one line shows; the parts that do not fit the terminal are dropped from the end. */
interface Line {
  readonly strategy: StrategyName;
  mark: string;
  parts: string[];
}

export class LiveView implements MigrationView {
  readonly #output: Output;
  readonly #log: ReturnType<typeof createLogUpdate>;
  readonly #lines: Line[];
  readonly #timer: NodeJS.Timeout;
  #current: Line | undefined;
  #phase: SourcePhase | undefined;
  #progress: SourceProgress | undefined;
  /** Pages that the rounds and the push before this one sent. */
  #pagesBefore = 0;
  #frame = 0;

  constructor(output: Output, strategies: readonly StrategyName[]) {
    this.#output = output;
    this.#log = createLogUpdate(output.stream);
    this.#lines = strategies.map((strategy) => ({ strategy, mark: ' ', parts: [] }));
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  preparing(strategy: StrategyName): void {
    this.#current = this.#lines.find((line) => line.strategy === strategy);
    this.#phase = undefined;
    this.#progress = undefined;
    this.#pagesBefore = 0;
    if (this.#current !== undefined) this.#current.parts = ['preparing the guest'];
  }

  phase(phase: SourcePhase): void {
    this.#phase = phase;
    if (phase === 'push-residual-set') this.#pagesBefore = this.#progress?.pagesSent ?? 0;
    this.#describe();
  }

  round(round: RoundReport): void {
    this.#pagesBefore += round.pages;
  }

  progress(progress: SourceProgress): void {
    this.#progress = progress;
    this.#phase = progress.phase;
    this.#describe();
  }

  ended(report: MigrationReport): void {
    const line = this.#current;
    this.#current = undefined;
    if (line === undefined) return;
    const { green, red, bold } = this.#output.colors;
    const good = isGood(report);
    line.mark = good ? green('✔') : red('✘');
    line.parts = [
      (good ? green : red)(verdict(report).padEnd(8)),
      `longest gap ${bold(gapText(report).padEnd(7))}`,
      `downtime ${optionalDuration(report.downtimeMs).padEnd(7)}`,
      `total ${formatDuration(report.totalMs)}`,
    ];
    this.#draw();
  }

  note(text: string): void {
    this.#log.persist(text);
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#current !== undefined) this.#current.mark = this.#output.colors.red('✘');
    this.#current = undefined;
    for (const line of this.#lines) if (line.parts.length === 0) line.parts = ['not begun'];
    this.#draw();
    this.#log.done();
  }

  #describe(): void {
    const line = this.#current;
    if (line === undefined || this.#phase === undefined) return;
    const progress = this.#progress;
    const copying = this.#phase === 'copy-rounds' || this.#phase === 'push-residual-set';
    if (!copying || progress === undefined) {
      line.parts = [phaseText(this.#phase)];
      return;
    }
    const pushing = this.#phase === 'push-residual-set';
    const sent = progress.pagesSent - this.#pagesBefore;
    const what = pushing ? 'active push' : `round ${progress.round}`;
    const change = pushing
      ? `${formatCount(progress.pagesServed)} faults`
      : `${formatCount(progress.dirtyPagesPerSecond)} dirty/s`;
    line.parts = [
      what.padEnd(11),
      this.#bar(progress.pagesToSend === 0 ? 0 : sent / progress.pagesToSend),
      formatRate(progress.rateBytesPerSecond).padStart(11),
      change.padStart(13),
    ];
  }

  #bar(share: number): string {
    const bounded = Math.min(1, Math.max(0, share));
    const full = Math.round(bounded * BAR_CELLS);
    const { cyan, dim } = this.#output.colors;
    const percent = `${Math.floor(bounded * 100)} %`.padStart(6);
    return `${cyan('█'.repeat(full))}${dim('░'.repeat(BAR_CELLS - full))}${percent}`;
  }

  #draw(): void {
    this.#frame += 1;
    const { cyan } = this.#output.colors;
    const spinner = cyan(SPINNER[this.#frame % SPINNER.length] ?? '');
    this.#log(
      this.#lines
        .map((line) => this.#fit(line, line === this.#current ? spinner : line.mark))
        .join('\n'),
    );
  }

  #fit({ strategy, parts }: Line, mark: string): string {
    const { bold, dim } = this.#output.colors;
    const waiting = parts.length === 0;
    let text = `${mark} ${(waiting ? dim : bold)(strategy.padEnd(13))}`;
    let width = 15;
    for (const part of waiting ? [dim('waiting')] : parts) {
      width += visibleLength(part) + 2;
      if (width > this.#output.columns) break;
      text += `  ${part}`;
    }
    return text;
  }
}

/** Without the escape sequences of colours. */
function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  return text.replace(/\u001b\[[0-9;]*m/g, '').length;
}
