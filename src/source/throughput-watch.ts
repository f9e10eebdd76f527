/** Reads the guest's counter of operations while it runs here, so that the report can say how slow it became. */
import type { Guest } from '../guest/guest.js';
import { observeGuest } from '../guest/guest-call.js';
import type { Recorder } from '../metrics/recorder.js';

/** Half the stretch over which throughput counts: no stretch that is looked at is more than half longer. */
const READ_EVERY_MS = 5;

export class ThroughputWatch {
  readonly #guest: Guest;
  readonly #recorder: Recorder;
  #timer: NodeJS.Timeout | undefined;

  constructor(guest: Guest, recorder: Recorder) {
    this.#guest = guest;
    this.#recorder = recorder;
  }

  /** The migration has started. */
  begin(): void {
    if (this.#guest.probe === undefined) return;
    this.#timer = setInterval(() => this.#read(), READ_EVERY_MS);
  }

  /** Reads once more, so that the last stretch ends here. Idempotent. */
  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#read();
  }

  #read(): void {
    const seen = observeGuest(this.#guest);
    // A probe that fails says so once, and not two hundred times a second.
    if (seen === null) clearInterval(this.#timer);
    else this.#recorder.readBeforePause(seen.operations);
  }
}
