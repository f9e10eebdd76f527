/** `pageferry bench`: a program of its own, built from bench/ into dist/bench/. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Run } from './run.js';

const PROGRAM = fileURLToPath(new URL('../bench/main.js', import.meta.url));
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function benchCommand(run: Run): Command {
  return (
    new Command('bench')
      .summary('measure migrations on this machine, beside baselines and peers')
      .argument('[args...]')
      // All of it, --help included, is for the program to read.
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .passThroughOptions()
      .action((args: readonly string[]) => run(() => bench(args)))
  );
}

/**
 * Runs the program and answers its exit code. A signal of the terminal reaches both processes: this one
 * passes it on over the channel between the two, and the program listens to that alone.
 */
async function bench(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const listeners = SIGNALS.map((signal) => {
    const passOn = (): void => {
      if (child.connected) child.send(signal, () => {});
    };
    process.on(signal, passOn);
    return [signal, passOn] as const;
  });
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    for (const [signal, passOn] of listeners) process.off(signal, passOn);
  }
}
