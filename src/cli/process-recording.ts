/** What `capture` and `trace` have in common: they watch a process for a while, and write what they see to a file. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PageferryError } from '../errors.js';
import { EXIT } from './exit-codes.js';
import { onInterrupt } from './interrupts.js';
import type { Output } from './output.js';

interface Recording {
  readonly pid: number;
  readonly out: string;
}

/** One line that says how far the recording is. */
export interface ProgressLine<Progress> {
  show(progress: Progress): void;
  end(): void;
}

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 2000;

/**
 * Throws USAGE where the process does not run or the file cannot be written: now, rather than when the recording is over.
 * `what` is what the file would hold, for the message.
 */
export function checkRecording({ pid, out }: Recording, what: 'image' | 'trace'): void {
  if (!existsSync(`/proc/${pid}`)) {
    throw new PageferryError('USAGE', `--pid ${pid}: no such process is running`);
  }
  try {
    const stats = statSync(out, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) throw new Error('it is there and no file');
    accessSync(dirname(out), constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('USAGE', `cannot write the ${what} to ${out}: ${reason}`);
  }
}

/** The first Ctrl-C aborts the signal that `record` is given, and the second one ends the program. */
export async function untilInterrupted<T>(record: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const stopListening = onInterrupt(
    () => ending.abort(),
    () => process.exit(EXIT.safeOnSource),
  );
  try {
    return await record(ending.signal);
  } finally {
    stopListening();
  }
}

/** A line that is redrawn on a terminal; elsewhere one now and then. */
export async function progressLine<Progress>(
  output: Output,
  text: (progress: Progress) => string,
): Promise<ProgressLine<Progress>> {
  if (output.isTerminal) {
    const { createLogUpdate } = await import('log-update');
    const log = createLogUpdate(output.stream);
    return { show: (progress) => log(text(progress)), end: () => log.done() };
  }
  let shownAt = performance.now();
  return {
    show: (progress) => {
      if (performance.now() - shownAt < LINE_EVERY_MS) return;
      shownAt = performance.now();
      output.line(text(progress));
    },
    end: () => {},
  };
}
