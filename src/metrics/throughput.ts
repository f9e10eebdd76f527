/** What a guest got done, from readings of its counter of operations. Pure. */

/** The counter at a moment, in milliseconds of one clock. */
export interface Reading {
  readonly ms: number;
  readonly operations: number;
}

/** Between two readings; null when no time lies between them. */
export function opsPerSecond(from: Reading, to: Reading): number | null {
  const ms = to.ms - from.ms;
  return ms > 0 ? ((to.operations - from.operations) / ms) * 1000 : null;
}

/**
 * The guest's time that was lost between two readings: so long it would have taken, at its rate before, for what it
 * did not do. Below 0 when it did more than that. Null where the rate says nothing.
 */
export function lostMs(from: Reading, to: Reading, opsPerSecondBefore: number): number | null {
  if (opsPerSecondBefore <= 0) return null;
  return to.ms - from.ms - ((to.operations - from.operations) / opsPerSecondBefore) * 1000;
}

/** The least throughput of any stretch that is as long as the window, or as little longer as the readings allow. */
export class SlowestStretch {
  readonly #windowMs: number;
  /** Those of the last window. */
  readonly #readings: Reading[] = [];
  #least: number | null = null;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Readings come in the order of time. */
  add(reading: Reading): void {
    this.#readings.push(reading);
    while (this.#isWhole(this.#readings[1])) this.#readings.shift();
    if (!this.#isWhole(this.#readings[0])) return;
    this.#least = Math.min(
      this.#least ?? Number.POSITIVE_INFINITY,
      this.#ofReadings ?? Number.POSITIVE_INFINITY,
    );
  }

  /** Of all the time when that was less than a window; null without two readings. */
  get opsPerSecond(): number | null {
    return this.#least ?? this.#ofReadings;
  }

  /** A whole window lies between this reading and the last one. */
  #isWhole(first: Reading | undefined): boolean {
    const last = this.#readings.at(-1);
    return first !== undefined && last !== undefined && last.ms - first.ms >= this.#windowMs;
  }

  get #ofReadings(): number | null {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    return first === undefined || last === undefined ? null : opsPerSecond(first, last);
  }
}
