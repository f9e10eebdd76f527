// `pageferry bench` and `npm run bench`: measures migrations on this machine, each figure beside a
// baseline or a limit of the same run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/native.mjs';

// Whoever read our output has gone (`| head`): what is measured goes to a file all the same.
process.stdout.on('error', () => {});

if (existsSync(join(root, 'dist', 'index.js'))) {
  // Imported late: the scenarios use the package, which may not be built.
  const { runProgram } = await import('./program.mjs');
  process.exitCode = await runProgram(process.argv);
} else {
  process.stderr.write('bench: nothing is built: run npm ci\n');
  process.exitCode = 1;
}
