/** The command line: its commands, and what happens when one throws. */
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench-command.js';
import { captureCommand } from './capture-command.js';
import { demoCommand } from './demo-command.js';
import { destinationCommand } from './destination-command.js';
import { doctorCommand } from './doctor-command.js';
import { EXIT, EXIT_CODES_HELP, exitCodeOfError } from './exit-codes.js';
import { inspectCommand } from './inspect-command.js';
import { printError } from './output.js';
import { packageVersion } from './package.js';
import { pkiCommand } from './pki-command.js';
import { queryCommand } from './query-command.js';
import type { Run } from './run.js';
import { sourceCommand } from './source-command.js';
import { traceCommand } from './trace-command.js';
import { verifyStreamCommand } from './verify-stream-command.js';

const EXAMPLES = `
Examples:
  pageferry demo                                  all four ways, compared
  pageferry destination --listen 0.0.0.0:7777     on one host
  pageferry source --to HOST:7777                 on the other
  pageferry trace --pid PID --out FILE            record what a process writes
  pageferry capture --pid PID -o FILE             keep a process's memory
  pageferry inspect FILE                          what such a file holds
  pageferry verify-stream FILE                    check what --tee captured
  pageferry doctor                                what this machine offers
  pageferry bench                                 what it costs here
  pageferry pki init lab                          certificates for two hosts`;

/** commander's `error: …` as our one line, with the way to the help. */
function usageLine(text: string, command: string): string {
  const what = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/^option '(--[\w-]+)[^']*' argument '.*?' is invalid\. /, '$1: ')
    .replace(/: Allowed choices are (.*)\.$/, ': expected one of $1');
  return `pageferry: USAGE: ${what}${/(?:\.|\?\))$/.test(what) ? '' : '.'} See ${command} --help\n`;
}

function settle(command: Command, parents = ''): void {
  command.exitOverride();
  const name = `${parents}${command.name()}`;
  command.configureOutput({ outputError: (text, write) => write(usageLine(text, name)) });
  for (const child of command.commands) settle(child, `${name} `);
}

/** What a command line says is read; what it does is left to `run`. */
export function commandLine(run: Run): Command {
  const program = new Command('pageferry')
    .description(
      "Moves a running guest's memory between two processes over TCP and measures what that costs.",
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'print the help of a command')
    // What follows a command's name is that command's: `bench --help` is the bench's help.
    .enablePositionalOptions()
    .addCommand(demoCommand(run))
    .addCommand(sourceCommand(run))
    .addCommand(destinationCommand(run))
    .addCommand(queryCommand(run))
    .addCommand(doctorCommand(run))
    .addCommand(traceCommand(run))
    .addCommand(captureCommand(run))
    .addCommand(inspectCommand(run))
    .addCommand(verifyStreamCommand(run))
    .addCommand(benchCommand(run))
    .addCommand(pkiCommand(run))
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`);
  settle(program);
  return program;
}

/** Answers the exit code. Never rejects. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.verified;
  const run: Run = async (action) => {
    exitCode = await action();
  };
  try {
    await commandLine(run).parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.verified : EXIT.usage;
    printError(error);
    return exitCodeOfError(error);
  }
}
