// Ctrl-C and its relatives, whoever sends them: the terminal, another program, or the `pageferry` command
// that started this process.
import { constants } from 'node:os';
import { Interrupted } from './errors.js';

/** Those that a terminal sends to every process in its foreground. */
const OF_TERMINAL = ['SIGINT', 'SIGHUP'] as const;

export function exitCodeOf({ signal }: Interrupted): number {
  return 128 + constants.signals[signal];
}

/**
 * An AbortSignal that aborts with Interrupted at the first signal; the second ends this process at once.
 *
 * Started by `pageferry` there is a channel to it. Then the signals of a terminal, which reach both
 * processes, are its to pass on, so that one Ctrl-C does not count twice.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    const reason = new Interrupted(signal);
    if (controller.signal.aborted) process.exit(exitCodeOf(reason));
    controller.abort(reason);
  };
  const { channel } = process;
  const isStarted = channel !== undefined && channel !== null;
  for (const signal of OF_TERMINAL) {
    process.on(signal, isStarted ? () => {} : () => interrupt(signal));
  }
  process.on('SIGTERM', () => interrupt('SIGTERM'));
  if (isStarted) {
    process.on('message', (signal: NodeJS.Signals) => interrupt(signal));
    process.once('disconnect', () => interrupt('SIGHUP'));
    // It must not keep this process alive.
    channel.unref();
  }
  return controller.signal;
}
