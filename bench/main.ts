// `pageferry bench` and `npm run bench`: measures migrations on this machine, each figure beside a
// baseline or a limit of the same run.
import { runProgram } from './program.js';

// Whoever read our output has gone (`| head`): what is measured goes to a file all the same.
process.stdout.on('error', () => {});

process.exitCode = await runProgram(process.argv);
