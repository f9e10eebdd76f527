// The command line of the bench: its commands, and what happens when one throws.
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseCount } from '#engine/units.js';
import { ALL_LINKS, parseLinks } from './codecs/links.js';
import { ALL_POLICIES, parsePolicies } from './codecs/policies.js';
import { type CodecsOptions, codecsCommand } from './commands/codecs.js';
import { type CompareOptions, compareCommand } from './commands/compare.js';
import { type CorpusCommandOptions, corpusCommand } from './commands/corpus.js';
import { type ExportOptions, exportCommand } from './commands/export.js';
import { listCommand } from './commands/list.js';
import { reportCommand } from './commands/report.js';
import { type RunOptions, runCommand } from './commands/run.js';
import { errorOf, Interrupted, RunEnded, UsageError } from './lib/errors.js';
import { exitCodeOf } from './lib/interrupts.js';
import {
  netnsLink,
  parseCorpusInterval,
  parseCorpusSize,
  parsePercent,
  parseRepetitions,
  relayLink,
} from './lib/options.js';

const EXIT = { measured: 0, failed: 1, usage: 2 };

const HELP = `
Examples:
  pageferry bench             the quick suite, about three minutes
  pageferry bench quick --only round-0,switchover --repetitions 3
  pageferry bench strategies --rtt 10ms
  pageferry bench scenarios.json --json -
  pageferry bench --resume    goes on with the newest run that was interrupted
  pageferry bench compare before.json after.json
  pageferry bench corpus      images of real programs, for --fill image:FILE
  pageferry bench export result.json --csv --svg --out figures

Exit codes:
  0    everything was measured or skipped with a reason, targets met or not
  1    something could not be measured or written
  2    wrong usage
  130  interrupted; what was measured is kept, and --resume goes on`;

const CODECS_HELP = `
The links 100mbit and 1gbit are two network namespaces shaped by tc where this
machine can have them, and otherwise, as 10gbit always, the engine's own rate
limit; the tables say which. A run cannot be resumed. lz4-page is LZ4 of each
page by itself, beside zero pages: what the ratios are measured against.
qemu-multifd-zstd and qemu-xbzrle are QEMU, where it is installed.

Examples:
  pageferry bench codecs --quick
  pageferry bench corpus --out images && pageferry bench codecs --images images
  pageferry bench codecs --images images --policies raw,lz4,auto --links 1gbit`;

function argument<Value>(parse: (text: string) => Value) {
  return (text: string): Value => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(errorOf(error).message);
    }
  };
}

/** `finish` is told whether everything was measured. */
export function commandLine(finish: (everythingMeasured: boolean) => void): Command {
  const command = new Command('pageferry bench')
    .description('Measures migrations between two processes on this machine.')
    // What comes after `compare` is for it, --json too.
    .enablePositionalOptions()
    .argument('[suite]', 'a suite (see: bench list) or a file of scenarios (default: quick)')
    .addOption(
      new Option('--repetitions <n>', 'samples of each scenario (default: 5)').argParser(
        argument(parseRepetitions),
      ),
    )
    .option(
      '--only <names>',
      'these scenarios only, separated by commas; * is any text',
      (text: string) => text.split(',').map((name) => name.trim()),
    )
    .option('--full', 'every combination, which may take days')
    .addOption(
      new Option('--netns [rate]', 'two network namespaces, shaped to the rate (needs root)')
        .argParser(argument(netnsLink))
        .preset('unlimited')
        .conflicts('rtt'),
    )
    .addOption(
      new Option('--rtt <time>', 'a relay that adds this round-trip time, such as 10ms').argParser(
        argument(relayLink),
      ),
    )
    .option('--out <dir>', 'where results go', 'bench-results')
    .option('--json <file>', 'the result goes here; - is stdout, instead of the table')
    .option('--html <file>', 'the report goes here (default: beside the result)')
    .option('--resume [file]', 'go on with this run, or the newest that did not finish')
    .addHelpText('after', HELP)
    .action(async (suite: string | undefined, options: RunOptions) =>
      finish(await runCommand(suite, options)),
    );
  command
    .command('codecs')
    .summary('every policy of compression on the memory of real programs')
    .description(
      'Migrates guests that begin with images of processes and change as they did, by every policy over every link.',
    )
    .option('--images <dir>', 'a folder of images, as bench corpus and capture make them')
    .option('--quick', 'images of two small processes, made on the spot: a few minutes')
    .addOption(
      new Option('--policies <names>', 'these policies only, separated by commas')
        .argParser(argument(parsePolicies))
        .default(ALL_POLICIES, ALL_POLICIES.map(({ name }) => name).join(',')),
    )
    .addOption(
      new Option('--links <names>', 'these links only, separated by commas')
        .argParser(argument(parseLinks))
        .default(ALL_LINKS, ALL_LINKS.join(',')),
    )
    .addOption(
      new Option('--repeat <n>', 'samples of each image and link')
        .argParser(argument(parseRepetitions))
        .default(1),
    )
    .option('--out <dir>', 'where results go', 'bench-results')
    .option('--json <file>', 'the result goes here; - is stdout, instead of the tables')
    .option('--html <file>', 'the report goes here (default: beside the result)')
    .addHelpText('after', CODECS_HELP)
    .action(async (options: CodecsOptions) => finish(await codecsCommand(options)));
  command
    .command('compare <a> <b>')
    .description('two results, row by row')
    .addOption(
      new Option('--effect <percent>', 'the smallest difference of two medians that counts')
        .argParser(argument(parsePercent))
        .default(0.05, '5%'),
    )
    .option('--json', 'as JSON')
    .action((a: string, b: string, options: CompareOptions) => compareCommand(a, b, options));
  command
    .command('corpus')
    .description(
      'images of real programs in memory, each with later snapshots, for --fill image:FILE',
    )
    .option('-o, --out <dir>', 'where they go (default: a folder of the cache)')
    .option('--only <names>', 'these programs only, separated by commas', (text: string) =>
      text.split(',').map((name) => name.trim()),
    )
    .addOption(
      new Option('--size <size>', 'about how much memory each program has')
        .argParser(argument(parseCorpusSize))
        .default(200 * 2 ** 20, '200MiB'),
    )
    .addOption(
      new Option('--snapshots <n>', 'later snapshots of each')
        .argParser(argument((text) => parseCount(text, 0, 100)))
        .default(5),
    )
    .addOption(
      new Option('--every <time>', 'from one snapshot to the next')
        .argParser(argument(parseCorpusInterval))
        .default(2000, '2s'),
    )
    .addOption(
      new Option('--seed <n>', 'what is in the memory follows from it')
        .argParser(argument((text) => parseCount(text, 0, 2 ** 32 - 1)))
        .default(1),
    )
    .option('--json', 'print a summary as JSON')
    .action(async (options: CorpusCommandOptions) => finish(await corpusCommand(options)));
  command
    .command('export <result>')
    .description('every sample as a row, or every plot, for other programs')
    .option('--csv', 'samples as CSV')
    .option('--json', 'samples as JSON')
    .option('--parquet', 'samples as Parquet')
    .option('--svg', 'each plot as an SVG file')
    .option('--out <dir>', 'where to (default: beside the result)')
    .action((result: string, options: ExportOptions) => exportCommand(result, options));
  command
    .command('list [suite]')
    .description('the suites and their scenarios, or those of one, or of a file')
    .action((suite: string | undefined) => listCommand(suite));
  command
    .command('report <result>')
    .description('writes the HTML report of a result again')
    .option('--html <file>', 'where to (default: beside the result)')
    .action((result: string, options: Parameters<typeof reportCommand>[1]) =>
      reportCommand(result, options),
    );
  settle(command);
  return command;
}

function usageLine(text: string): string {
  const what = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  return `pageferry: USAGE: ${what}${/(?:\.|\?\))$/.test(what) ? '' : '.'} See pageferry bench --help\n`;
}

function settle(command: Command): void {
  command.exitOverride();
  command.configureOutput({ outputError: (text, write) => write(usageLine(text)) });
  for (const child of command.commands) settle(child);
}

function exitCodeOfError(thrown: unknown): number {
  const error = errorOf(thrown);
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.measured : EXIT.usage;
  if (error instanceof UsageError) {
    process.stderr.write(usageLine(error.message));
    return EXIT.usage;
  }
  const hint = error instanceof RunEnded && error.hint !== undefined ? `. ${error.hint}` : '';
  process.stderr.write(`bench: ${error.message}${hint}\n`);
  if (error instanceof Interrupted) return exitCodeOf(error);
  if (process.env['PAGEFERRY_DEBUG'] === '1') process.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
}

/** Answers the exit code. Never rejects. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.measured;
  const command = commandLine((everythingMeasured) => {
    if (!everythingMeasured) exitCode = EXIT.failed;
  });
  try {
    await command.parseAsync(argv);
  } catch (error) {
    exitCode = exitCodeOfError(error);
  }
  return exitCode;
}
