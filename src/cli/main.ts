#!/usr/bin/env node
/** The `pageferry` command. */
import { printError } from './output.js';

try {
  // Imported late: without the addon, say so in one line.
  const { runCommand } = await import('./program.js');
  process.exitCode = await runCommand(process.argv);
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
// Native threads and sockets may still be there; nothing waits for them.
process.exit();
