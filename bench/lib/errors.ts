/** Wrong usage: exit code 2, and nothing was measured. */
export class UsageError extends Error {}

/** The run was interrupted; `signal` is its name. What was measured is in the result file. */
export class Interrupted extends Error {
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}
