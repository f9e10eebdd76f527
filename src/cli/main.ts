#!/usr/bin/env -S node --no-memory-reducer
/**
 * The `pageferry` command. Without the flag in the first line V8 would collect the whole heap of an idle process 8 s
 * after it began, for about 10 ms on every core, while a guest runs there. V8 reads the flag only when it starts.
 */
import { setImmediate } from 'node:timers/promises';
import { outliveReaders, printError } from './output.js';

outliveReaders();
try {
  // Imported late, so that an addon that cannot be loaded is an error like any other.
  const { runCommand } = await import('./program.js');
  process.exitCode = await runCommand(process.argv);
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
// A process warning is written a turn of the event loop after it was given.
await setImmediate();
// Native threads and sockets may still be there; nothing waits for them.
process.exit();
