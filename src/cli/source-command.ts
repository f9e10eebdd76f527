/** `pageferry source`: runs a built-in guest here and moves it to a destination. */
import { Command, Option } from 'commander';
import {
  type MigrationReport,
  STRATEGY_NAMES,
  type StrategyName,
  type WorkloadOptions,
} from '../index.js';
import type { SourceMetrics } from '../metrics/prometheus.js';
import { checkCaptureFile } from '../native/capture.js';
import { requireSecurity } from '../options/security.js';
import { type Address, formatAddress, parseAddress } from '../units.js';
import { conditionsOf } from './conditions.js';
import { describeGuest } from './describe.js';
import { EXIT, EXIT_CODES_HELP, type ExitCode, exitCodeOfReport, failureOf } from './exit-codes.js';
import { GuestMigration } from './guest-migration.js';
import { onInterrupt } from './interrupts.js';
import { WantedMetrics } from './metrics-server.js';
import {
  addMigrationOptions,
  argument,
  type CommandDefaults,
  engineOptions,
  guestOptions,
  type MigrationValues,
  parseMigrationId,
  teeReserveOption,
} from './options.js';
import { Output, printError } from './output.js';
import { checkGuest } from './preflight.js';
import { checkJsonFile, saveReports } from './report-file.js';
import type { Run } from './run.js';
import { addTlsOptions, securityOptions, type TlsValues } from './tls-options.js';
import { createView } from './view/create-view.js';
import { printTable } from './view/table.js';
import type { MigrationView } from './view/view.js';

interface SourceValues extends MigrationValues, TlsValues {
  readonly to: Address;
  readonly strategy: StrategyName;
  readonly id?: string;
  readonly tee?: string;
  readonly teeReserve: number;
}

const EXAMPLES = `
Examples:
  pageferry source --to 127.0.0.1:7777
  pageferry source --to other-host:7777 --tls this-host.pem --strategy hybrid
  pageferry source --to [fe80::1%eth0]:7777 --psk lab.key --memory 4GiB
  pageferry source --to unix:/run/tunnel.sock --json report.json`;

const DEFAULTS: CommandDefaults = { memory: 512 << 20, writeRate: 0, bandwidth: 'unlimited' };

export function sourceCommand(run: Run): Command {
  const command = new Command('source')
    .summary('run a guest here and move it to a destination')
    .description('Runs a built-in guest in this process and moves it to a destination.')
    .requiredOption(
      '--to <address>',
      'HOST:PORT or unix:PATH of the destination',
      argument(parseAddress),
    )
    .addOption(
      new Option('--strategy <name>', 'how to migrate').choices(STRATEGY_NAMES).default('pre-copy'),
    )
    .option(
      '--id <hex>',
      "the migration's id: a destination takes no id twice (default: random)",
      argument(parseMigrationId),
    )
    .option(
      '--tee <file>',
      'capture the migration to a file; it holds guest memory; see verify-stream',
    )
    .addOption(teeReserveOption('the capture ends'));
  addTlsOptions(command).option(
    '--tls-name <name>',
    "the name in the destination's certificate, where it is not that of --to",
  );
  return addMigrationOptions(command, DEFAULTS)
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`)
    .action((values: SourceValues) => run(() => source(values)));
}

async function source(values: SourceValues): Promise<ExitCode> {
  const output = new Output(values.json);
  checkJsonFile(values.json);
  // Before a guest is filled for nothing.
  requireSecurity('the source', values.to, securityOptions(values));
  if (values.tee !== undefined) checkCaptureFile(values.tee);
  const guest = await guestOptions(values, DEFAULTS);
  checkGuest(guest, 1);
  const wanted = await WantedMetrics.at(values.metrics);
  const metrics = wanted?.ofSource();
  const server = metrics && (await wanted?.serve(output, metrics));
  const { bold } = output.colors;
  output.line(`${bold('Guest')}        ${describeGuest(guest)}`);
  output.line(`${bold('Destination')}  ${formatAddress(values.to)}`);
  output.line();
  try {
    const view = await createView(output, [values.strategy]);
    const report = await migrate(values, guest, view, metrics);
    printTable(output, [report]);
    const failure = failureOf(report);
    if (failure !== undefined) printError(failure);
    const conditions = () => conditionsOf(guest, engineOptions(values), [values.strategy]);
    saveReports(values.json, conditions, [report]);
    return exitCodeOfReport(report);
  } finally {
    server?.close();
  }
}

async function migrate(
  values: SourceValues,
  guest: WorkloadOptions,
  view: MigrationView,
  metrics: SourceMetrics | undefined,
): Promise<MigrationReport> {
  let givenUp = false;
  const migration = new GuestMigration({
    phase: (phase) => view.phase(phase),
    filled: (summary) => view.note(`Filled with ${summary}.`),
    round: (round, number) => {
      view.round(round, number);
      metrics?.round(round);
    },
    progress: (progress) => {
      view.progress(progress);
      metrics?.progress(progress);
    },
  });
  const stopListening = onInterrupt(
    () => {
      givenUp = !migration.cancel();
      if (givenUp)
        view.note('too late to cancel: the guest has been given up; this must finish now');
    },
    () => process.exit(givenUp ? EXIT.guestLost : EXIT.safeOnSource),
  );
  view.preparing(values.strategy);
  metrics?.migrationStarted();
  try {
    const options = {
      ...engineOptions(values),
      ...securityOptions(values),
      ...values.to,
      strategy: values.strategy,
      ...(values.id === undefined ? {} : { migrationId: values.id }),
      ...(values.tee === undefined ? {} : { tee: values.tee }),
      teeReserveBytes: values.teeReserve,
    };
    const report = await migration.run(guest, options);
    view.ended(report);
    metrics?.migrationEnded(report);
    return report;
  } finally {
    view.close();
    stopListening();
  }
}
