/** `pageferry demo`: all of it on one host, to be looked at. */
import { Command, Option } from 'commander';
import { asPageferryError, PageferryError } from '../errors.js';
import { type MigrationReport, STRATEGY_NAMES, type StrategyName } from '../index.js';
import type { SourceMetrics } from '../metrics/prometheus.js';
import { formatAddress, formatBitRate } from '../units.js';
import { conditionsOf, readConditions } from './conditions.js';
import { type DemoPlaces, type DemoPlan, DemoRun } from './demo/demo-run.js';
import { describeGuest } from './describe.js';
import {
  EXIT,
  EXIT_CODES_HELP,
  type ExitCode,
  exitCodeOfError,
  exitCodeOfReport,
  failureOf,
} from './exit-codes.js';
import { onInterrupt } from './interrupts.js';
import { WantedMetrics } from './metrics-server.js';
import {
  addMigrationOptions,
  type CommandDefaults,
  engineOptions,
  guestOptions,
  type MigrationValues,
} from './options.js';
import { Output, printError } from './output.js';
import { checkGuest } from './preflight.js';
import { checkJsonFile, saveReports } from './report-file.js';
import type { Run } from './run.js';
import { createView } from './view/create-view.js';
import { printTable } from './view/table.js';
import type { MigrationView } from './view/view.js';

interface DemoValues extends MigrationValues {
  readonly strategy: StrategyName | 'all';
  readonly like?: string;
}

const EXAMPLES = `
Examples:
  pageferry demo
  pageferry demo --strategy post-copy --memory 1GiB --workload uniform
  pageferry demo --bandwidth 1Gbit --fill pid:1 --compression lz4
  pageferry demo --like report.json --strategy hybrid
  pageferry demo --json - | jq '.migrations[].guest.longestGapMs'`;

/** On the slower link the four ways differ clearly, and on every machine alike. */
const DEFAULTS: CommandDefaults = { memory: 256 << 20, writeRate: 80_000, bandwidth: '2Gbit' };

export function demoCommand(run: Run): Command {
  const command = new Command('demo')
    .summary('migrate a guest between two processes, in each way, and compare')
    .description(
      'Starts a source and a destination process, runs a guest that keeps writing its memory, moves it from one to the other by each strategy, and shows what each one cost.',
    )
    .addOption(
      new Option('--strategy <name>', 'how to migrate')
        .choices(['all', ...STRATEGY_NAMES])
        .default('all'),
    );
  return addMigrationOptions(command, DEFAULTS)
    .option(
      '--like <file>',
      'take guest, migration and strategies from a report (--json); other flags override',
    )
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`)
    .action((values: DemoValues) => run(() => demo(planned(values, command))));
}

/** What the run is told, and by which strategies it migrates: flags first, then the report of `--like`, then defaults. */
interface Planned {
  readonly values: MigrationValues;
  readonly strategies: readonly StrategyName[];
}

function planned(values: DemoValues, command: Command): Planned {
  const flagged = values.strategy === 'all' ? STRATEGY_NAMES : [values.strategy];
  if (values.like === undefined) return { values, strategies: flagged };
  const isFlag = (name: string) => command.getOptionValueSource(name) === 'cli';
  const like = readConditions(values.like);
  const taken = Object.entries(like.values).filter(([name]) => !isFlag(name));
  return {
    values: { ...values, ...Object.fromEntries(taken) },
    strategies: isFlag('strategy') ? flagged : like.strategies,
  };
}

/** What came of a demo: the migrations that ended, and what ended it early, if anything did. */
interface DemoEnd {
  readonly reports: readonly MigrationReport[];
  readonly error: PageferryError | undefined;
}

async function demo({ values, strategies }: Planned): Promise<ExitCode> {
  const output = new Output(values.json);
  checkJsonFile(values.json);
  const plan = { guest: await guestOptions(values, DEFAULTS), engine: engineOptions(values) };
  checkGuest(plan.guest, 2);
  const wanted = await WantedMetrics.at(values.metrics);
  const metrics = wanted?.ofSource();
  const server = metrics && (await wanted?.serve(output, metrics));
  // Before there are processes: the terminal's Ctrl-C ends those that have just begun.
  const stopListening = onInterrupt(
    () => run.cancel(),
    () => {
      run.kill();
      process.exit(EXIT.safeOnSource);
    },
  );
  const run = new DemoRun(plan);
  try {
    printHead(output, plan, await run.start());
    const view = await createView(output, strategies);
    const end = await migrateAll(run, strategies, view, metrics);
    printTable(output, end.reports);
    printFailures(end);
    saveReports(values.json, () => conditionsOf(plan.guest, plan.engine, strategies), end.reports);
    return exitCodeOfDemo(end, run);
  } finally {
    await run.end();
    stopListening();
    server?.close();
  }
}

function printHead(output: Output, { guest, engine }: DemoPlan, places: DemoPlaces): void {
  const { bold } = output.colors;
  const { host, port, sourcePid, destinationPid } = places;
  const limit = engine.bandwidthBytesPerSecond ?? 0;
  output.line(`${bold('Guest')}        ${describeGuest(guest)}`);
  output.line(`${bold('Source')}       process ${sourcePid}`);
  output.line(
    `${bold('Destination')}  process ${destinationPid}, ${formatAddress({ host, port })}`,
  );
  output.line(
    `${bold('Rate limit')}   ${limit === 0 ? 'none' : `${formatBitRate(limit)} (--bandwidth unlimited lifts it)`}`,
  );
  output.line();
}

/** One after the other, each with a new guest, until something ends it. Never rejects. */
async function migrateAll(
  run: DemoRun,
  strategies: readonly StrategyName[],
  view: MigrationView,
  metrics: SourceMetrics | undefined,
): Promise<DemoEnd> {
  const reports: MigrationReport[] = [];
  run.watch(view, metrics);
  try {
    for (const strategy of strategies) {
      run.throwIfEnded();
      view.preparing(strategy);
      metrics?.migrationStarted();
      reports.push(await run.migrate(strategy));
    }
    return { reports, error: undefined };
  } catch (error) {
    return { reports, error: asPageferryError(error, 'the demo failed') };
  } finally {
    view.close();
  }
}

function printFailures({ reports, error }: DemoEnd): void {
  for (const report of reports) {
    const failure = failureOf(report);
    if (failure !== undefined) {
      printError(new PageferryError(failure.code, `${report.strategy}: ${failure.message}`));
    }
  }
  // Which of them was cancelled is said above.
  const said =
    error?.code === 'CANCELLED' && reports.some(({ outcome }) => outcome === 'cancelled');
  if (error !== undefined && !said) printError(error);
}

function exitCodeOfDemo({ reports, error }: DemoEnd, run: DemoRun): ExitCode {
  const codes: ExitCode[] = reports.map(exitCodeOfReport);
  if (error !== undefined) codes.push(run.sourceDied ? EXIT.guestLost : exitCodeOfError(error));
  return codes.reduce((worst, code) => (code > worst ? code : worst), EXIT.verified);
}
