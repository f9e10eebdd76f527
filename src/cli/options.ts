/** The options that `demo` and `source` share: their flags, what they are read as, and their defaults. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PageferryError } from '../errors.js';
import {
  CODEC_NAMES,
  type CodecName,
  type Fill,
  type SourceOptions,
  TRACKER_KINDS,
  type TrackerKind,
  WORKLOAD_NAMES,
  type WorkloadName,
  type WorkloadOptions,
} from '../index.js';
import {
  type Address,
  exactBytes,
  parseAddress,
  parseBytes,
  parseCount,
  parseDuration,
  parsePages,
  parseRate,
} from '../units.js';

/** What `demo` and `source` are told about the guest and the migration. */
export interface MigrationValues {
  readonly memory: number;
  readonly workload: WorkloadName;
  readonly wss?: number;
  readonly writeRate: number;
  readonly writeBytes: number;
  readonly threads: number;
  readonly mark: number;
  readonly fill: Fill;
  readonly seed: number;
  readonly bandwidth: number;
  readonly downtimeBudget: number;
  readonly maxRounds: number;
  readonly ifNotConverging: 'stop-and-copy' | 'post-copy' | 'abort';
  readonly channels?: number;
  readonly tracker?: TrackerKind;
  readonly codec: CodecName;
  readonly observe: number;
  readonly stallTimeout: number;
  readonly verify: boolean;
  readonly json?: string;
  readonly metrics?: Address;
}

/** What differs between the two commands. */
export interface CommandDefaults {
  readonly memory: number;
  /** Page writes per second; 0: unlimited. */
  readonly writeRate: number;
  /** As given on the command line. */
  readonly bandwidth: string;
}

/** An argument parser for commander out of one that throws USAGE. */
export function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

function option<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser(argument(parse));
}

/** `zero`, `random`, `text`, `file:PATH`, `pid:PID`. */
export function parseFill(text: string): Fill {
  if (text === 'zero' || text === 'random' || text === 'text') return { kind: text };
  const colon = text.indexOf(':');
  const [kind, rest] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (kind === 'file' && rest !== '') return { kind, path: rest };
  if (kind === 'pid') return { kind: 'process', pid: parseCount(rest, 1, 2 ** 22) };
  throw new PageferryError(
    'USAGE',
    `expected zero, random, text, file:PATH or pid:PID, not '${text}'`,
  );
}

function parseWriteBytes(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= 8 && bytes <= 4096 && bytes % 8 === 0) return bytes;
  throw new PageferryError('USAGE', `expected a multiple of 8 from 8 to 4096 bytes, not '${text}'`);
}

function parseWriteRate(text: string): number {
  return text === 'unlimited' ? 0 : parseCount(text, 1);
}

function addGuestOptions(command: Command, defaults: CommandDefaults): void {
  command
    .optionsGroup('The guest:')
    .addOption(
      option('--memory <size>', "the guest's memory", parsePages).default(
        defaults.memory,
        exactBytes(defaults.memory),
      ),
    )
    .addOption(
      new Option('--workload <name>', 'what runs in the guest')
        .choices(WORKLOAD_NAMES)
        .default('kv'),
    )
    .addOption(option('--wss <size>', 'how much memory it writes (default: all)', parsePages))
    .addOption(
      option(
        '--write-rate <n>',
        'its page writes per second, or unlimited',
        parseWriteRate,
      ).default(
        defaults.writeRate,
        defaults.writeRate === 0 ? 'unlimited' : String(defaults.writeRate),
      ),
    )
    .addOption(
      option(
        '--write-bytes <n>',
        'bytes changed by a page write, 8 to 4096',
        parseWriteBytes,
      ).default(64),
    )
    .addOption(
      option('--threads <n>', 'guest threads', (text) => parseCount(text, 1, 256)).default(1),
    )
    .addOption(
      option('--mark <n>', 'operations between two marks', (text) => parseCount(text, 1)).default(
        1,
      ),
    )
    .addOption(
      option(
        '--fill <what>',
        'initial memory: zero, random, text, file:PATH, pid:PID',
        parseFill,
      ).default({ kind: 'text' } satisfies Fill, 'text'),
    )
    .addOption(
      option('--seed <n>', 'what the guest does follows from it', (text) =>
        parseCount(text),
      ).default(1),
    );
}

function addEngineOptions(command: Command, defaults: CommandDefaults): void {
  command
    .optionsGroup('The migration:')
    .addOption(
      option('--bandwidth <rate>', 'rate limit, such as 1Gbit', parseRate).default(
        parseRate(defaults.bandwidth),
        defaults.bandwidth,
      ),
    )
    .addOption(
      option('--downtime-budget <time>', "pre-copy's longest downtime", parseDuration).default(
        50,
        '50ms',
      ),
    )
    .addOption(
      option('--max-rounds <n>', "pre-copy's most rounds", (text) =>
        parseCount(text, 1, 1_000_000),
      ).default(30),
    )
    .addOption(
      new Option('--if-not-converging <action>', 'what pre-copy does then')
        .choices(['stop-and-copy', 'post-copy', 'abort'])
        .default('stop-and-copy'),
    )
    .addOption(
      option(
        '--channels <n>',
        'page channels, 1 to 64 (default: half the cores; 2 on 2 cores)',
        (text) => parseCount(text, 1, 64),
      ),
    )
    .addOption(
      new Option(
        '--tracker <kind>',
        'dirty tracker (default: the best here, which doctor names); with mprotect the kernel cannot write guest memory, which the built-in guests do not need',
      ).choices(TRACKER_KINDS),
    )
    .addOption(new Option('--codec <name>', 'page codec').choices(CODEC_NAMES).default('raw'))
    .addOption(
      option(
        '--stall-timeout <time>',
        'how long the other side may be silent',
        parseDuration,
      ).default(30_000, '30s'),
    );
}

function addReportOptions(command: Command): void {
  command
    .optionsGroup('The report:')
    .addOption(
      option('--observe <time>', 'watch the guest so long before and after', parseDuration).default(
        500,
        '500ms',
      ),
    )
    .option('--no-verify', 'do not compare the pages afterwards')
    .option('--json <file>', 'write the reports as JSON; - is stdout')
    .addOption(metricsOption());
}

export function metricsOption(): Option {
  return option('--metrics <address>', 'serve Prometheus metrics on [HOST:]PORT', (text) =>
    parseAddress(text, '127.0.0.1'),
  );
}

/** All of them, in groups. */
export function addMigrationOptions(command: Command, defaults: CommandDefaults): Command {
  addGuestOptions(command, defaults);
  addEngineOptions(command, defaults);
  addReportOptions(command);
  return command.optionsGroup('Other:');
}

export function guestOptions(values: MigrationValues): WorkloadOptions {
  return {
    workload: values.workload,
    memoryBytes: values.memory,
    ...(values.wss === undefined ? {} : { workingSetBytes: values.wss }),
    writesPerSecond: values.writeRate,
    writeBytes: values.writeBytes,
    threads: values.threads,
    operationsPerMark: values.mark,
    seed: values.seed,
    fill: values.fill,
  };
}

/** Everything but where to and how. */
export function engineOptions(
  values: MigrationValues,
): Omit<SourceOptions, 'host' | 'port' | 'strategy'> {
  return {
    ...(values.channels === undefined ? {} : { channels: values.channels }),
    ...(values.tracker === undefined ? {} : { tracker: values.tracker }),
    codec: values.codec,
    bandwidthBytesPerSecond: values.bandwidth,
    downtimeBudgetMs: values.downtimeBudget,
    maxRounds: values.maxRounds,
    otherwise: values.ifNotConverging,
    observeMs: values.observe,
    verify: values.verify,
    stallMs: values.stallTimeout,
  };
}
