/** How far a migration is: what its phases have told so far, beside what its sockets have taken. */
import type { SourcePhase, SourceProgress } from '../metrics/events.js';
import { pagesOf } from '../metrics/recorder.js';
import type { SourceMigration } from './migration.js';

/** How far a migration is. */
export interface SourceFigures {
  readonly phase: SourcePhase;
  readonly pagesSent: number;
  /** Counted at the page and fault sockets. */
  readonly wireBytes: number;
}

export class Progress {
  readonly #m: SourceMigration;
  #phase: SourcePhase = 'negotiate';
  #round = 0;
  #pagesToSend = 0;
  /** Of a migration that is over. */
  #final: SourceFigures | undefined;
  #last = { at: performance.now(), wireBytes: 0 };

  constructor(m: SourceMigration) {
    this.#m = m;
  }

  enter(phase: SourcePhase): void {
    this.#phase = phase;
  }

  /** A round begins or a push: so many pages are to be sent. */
  sending(pages: number, round: number): void {
    this.#pagesToSend = pages;
    this.#round = round;
  }

  /** The migration is over: from here on the figures stay as they are. */
  end(): void {
    this.#final = this.figures;
  }

  get figures(): SourceFigures {
    if (this.#final !== undefined) return this.#final;
    const { sent } = this.#m;
    return { phase: this.#phase, pagesSent: pagesOf(sent), wireBytes: sent.wireBytes };
  }

  /** What a progress event tells. Its rate is that of the time since the call before. */
  next(): SourceProgress {
    const { sent, recorder } = this.#m;
    const at = performance.now();
    const seconds = (at - this.#last.at) / 1000;
    const rate = seconds > 0 ? (sent.wireBytes - this.#last.wireBytes) / seconds : 0;
    this.#last = { at, wireBytes: sent.wireBytes };
    const last = recorder.rounds.at(-1);
    return {
      phase: this.#phase,
      elapsedMs: recorder.elapsedMs,
      round: this.#round,
      pagesSent: pagesOf(sent),
      wireBytes: sent.wireBytes,
      rateBytesPerSecond: Math.max(0, rate),
      dirtyPagesPerSecond: last === undefined ? 0 : (last.dirtyPages / last.ms) * 1000,
      pagesToSend: this.#pagesToSend,
      pagesServed: sent.pagesServed,
    };
  }
}
