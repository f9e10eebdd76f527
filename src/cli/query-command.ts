/** `pageferry query`: asks a destination what became of a migration. */
import { Command } from 'commander';
import { askOutcome, type MigrationOutcome } from '../index.js';
import { type Address, formatDuration, parseAddress } from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { argument } from './options.js';
import { Output } from './output.js';
import type { Run } from './run.js';
import { addTlsOptions, securityOptions, type TlsValues } from './tls-options.js';

interface QueryValues extends TlsValues {
  readonly at: Address;
  readonly json?: boolean;
}

const MEANING: Readonly<Record<MigrationOutcome['state'], string>> = {
  unknown: 'no migration of that id is known there. That says nothing about the guest',
  arriving: 'it is under way, and the guest is still the source’s',
  running: 'the guest is there; pages of it may be missing yet',
  complete: 'the guest is there, with every page',
  failed: 'it ended, and the guest never ran there',
  lost: 'it ended, and the guest is there and cannot go on',
};

const EXAMPLES = `
Examples:
  pageferry query 0123456789abcdef0123456789abcdef --at 127.0.0.1:7777 --json

Exit codes:
  0  the destination answered, whatever it said
  1  it could not be asked
  2  wrong usage`;

export function queryCommand(run: Run): Command {
  const command = new Command('query')
    .summary('ask a destination what became of a migration')
    .description(
      'Asks a destination how a migration stands there. It remembers for an hour how one ended.',
    )
    .argument('<id>', 'the id of the migration, from its report or from --id of the source')
    .requiredOption(
      '--at <address>',
      'HOST:PORT or unix:PATH of the destination',
      argument(parseAddress),
    );
  return addTlsOptions(command)
    .option('--tls-name <name>', "the name in the destination's certificate, if not that of --at")
    .option('--json', 'the answer in JSON, on stdout')
    .addHelpText('after', EXAMPLES)
    .action((id: string, values: QueryValues) => run(() => query(id, values)));
}

async function query(id: string, values: QueryValues): Promise<ExitCode> {
  const outcome = await askOutcome(id, { ...values.at, ...securityOptions(values) });
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    return EXIT.verified;
  }
  const { state, code, sinceMs } = outcome;
  const why = code === undefined ? '' : ` (${code})`;
  const since = state === 'unknown' ? '' : `, for ${formatDuration(sinceMs)}`;
  new Output(undefined).line(`${state}${why}${since}: ${MEANING[state]}`);
  return EXIT.verified;
}
