/** Wrong usage: exit code 2, and nothing was measured. */
export class UsageError extends Error {}

/** The end of a run of which something was measured before. */
export class RunEnded extends Error {
  /** What to do about it. */
  hint: string | undefined;
}

/** The run was interrupted; `signal` is its name. What was measured is in the result file. */
export class Interrupted extends RunEnded {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** What was thrown, as the error that it is. */
export function errorOf(thrown: unknown): Error & { readonly code?: unknown } {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What an error of execFile tells of the program that failed. */
export function saidBy(thrown: unknown): { readonly message: string; readonly stderr: string } {
  const error: Error & { readonly stderr?: unknown } = errorOf(thrown);
  const stderr = typeof error.stderr === 'string' ? error.stderr.trim() : '';
  return { message: error.message, stderr };
}
