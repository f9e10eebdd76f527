#!/usr/bin/env -S node --no-memory-reducer
/**
 * The `pageferry` command. Without the flag in the first line V8 would collect the whole heap of an idle process 8 s
 * after it began, for about 10 ms on every core, while a guest runs there. V8 reads the flag only when it starts.
 */
import { nativeCode, PageferryError } from '../errors.js';
import { outliveReaders, printError } from './output.js';

/** The addon is a file of its own: not built, or built for another machine. */
function explainImport(error: unknown): unknown {
  if (!['MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(nativeCode(error))) return error;
  const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
  return new PageferryError(
    'UNSUPPORTED',
    `the native addon cannot be loaded: ${reason}. Build it with: npm run build:native`,
    { cause: error },
  );
}

outliveReaders();
try {
  // Imported late, so that an addon that cannot be loaded is an error like any other.
  const { runCommand } = await import('./program.js');
  process.exitCode = await runCommand(process.argv);
} catch (error) {
  printError(explainImport(error));
  process.exitCode = 1;
}
// Native threads and sockets may still be there; nothing waits for them.
process.exit();
