/** The captures of a destination's migrations, a file for each, where they were asked for. */
import { join } from 'node:path';
import { asPageferryError, type PageferryError } from '../errors.js';
import { endCapture, openCapture } from '../native/capture.js';
import type { CaptureFile } from '../native/connections.js';
import type { ResolvedDestinationOptions } from './options.js';

export class Captures {
  readonly #options: Pick<ResolvedDestinationOptions, 'tee' | 'teeReserveBytes'>;
  readonly #warn: (error: PageferryError) => void;
  #toldUncaptured = false;

  constructor(
    options: Pick<ResolvedDestinationOptions, 'tee' | 'teeReserveBytes'>,
    warn: (error: PageferryError) => void,
  ) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * A migration whose capture cannot be written goes on without one. That is told once, until one can be written again:
   * while a disk is full, everybody who connects would be another line.
   */
  begin(id: string): CaptureFile | undefined {
    const { tee, teeReserveBytes } = this.#options;
    if (tee === null) return undefined;
    try {
      const capture = openCapture(join(tee, `${id}.capture`), 'destination', teeReserveBytes);
      this.#toldUncaptured = false;
      return capture;
    } catch (error) {
      if (!this.#toldUncaptured) this.#warn(asPageferryError(error, 'migrations are not captured'));
      this.#toldUncaptured = true;
      return undefined;
    }
  }

  /** Warns of a capture that is not whole. */
  end(capture: CaptureFile | undefined): void {
    const failure = capture === undefined ? undefined : endCapture(capture);
    if (failure !== undefined) this.#warn(failure);
  }
}
