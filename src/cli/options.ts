/** The options that `demo` and `source` share: their flags, what they are read as, and their defaults. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { PageferryError } from '../errors.js';
import {
  type Alternative,
  type Compression,
  type Fill,
  memoryForImage,
  memoryForTrace,
  readTrace,
  type SourceOptions,
  type TrackerKind,
  WORKLOAD_NAMES,
  type WorkloadChoice,
  type WorkloadName,
  type WorkloadOptions,
} from '../index.js';
import type { ChoiceField, NumberField } from '../options/field.js';
import { STALL_MS, TEE_RESERVE_BYTES } from '../options/shared-fields.js';
import { SOURCE_FIELDS } from '../options/source-fields.js';
import { isMigrationIdText } from '../protocol/migration-id.js';
import {
  exactBytes,
  exactDuration,
  parseBytes,
  parseCount,
  parseDuration,
  parsePages,
  parseRate,
  parseTcpAddress,
  type TcpAddress,
} from '../units.js';
import { COMPRESSIONS, isCompression } from '../vocabulary.js';

/** What `demo` and `source` are told about the guest and the migration. */
export interface MigrationValues {
  readonly memory?: number;
  readonly workload: WorkloadChoice;
  readonly wss?: number;
  readonly writeRate?: number;
  readonly writeBytes: number;
  readonly threads: number;
  readonly fill: Fill;
  readonly seed: number;
  readonly bandwidth: number;
  readonly downtimeBudget: number;
  readonly maxRounds: number;
  readonly ifNotConverging: Alternative;
  readonly channels?: number;
  readonly tracker?: TrackerKind;
  readonly compression: Compression;
  readonly guestShare: number;
  readonly cache?: number;
  readonly observe: number;
  readonly stallTimeout: number;
  readonly switchoverTimeout: number;
  readonly verify: boolean;
  readonly json?: string;
  readonly metrics?: TcpAddress;
}

/** A command is run for its figures, so it watches by default. */
const OBSERVE_MS = 500;

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

/** A number option with the range and the default of its field in src/options. */
export function fieldOption(
  flags: string,
  description: string,
  field: NumberField,
  unit: FieldUnit,
): Option {
  const parse = (text: string) => {
    const value = unit.parse(text, field);
    if (v.is(field.schema, value)) return value;
    const range = `${unit.format(field.least)} to ${unit.format(field.most)}`;
    throw new PageferryError('USAGE', `expected ${range}, not '${text}'`);
  };
  const made = option(flags, description, parse);
  return field.default === undefined
    ? made
    : made.default(field.default, unit.format(field.default));
}

/** How a number of one unit is written on the command line. */
export interface FieldUnit {
  parse(text: string, range: NumberField): number;
  format(value: number): string;
}

export const DURATION: FieldUnit = { parse: parseDuration, format: exactDuration };
export const COUNT: FieldUnit = {
  parse: (text, { least, most }) => parseCount(text, least, most),
  format: String,
};
const FRACTION: FieldUnit = { parse: Number, format: String };
export const PAGES: FieldUnit = { parse: parsePages, format: exactBytes };
const BYTES: FieldUnit = { parse: (text) => parseBytes(text), format: exactBytes };

/** `what`: happens to what --tee writes. */
export function teeReserveOption(what: string): Option {
  const description = `with --tee: ${what} before its disk has less than this free`;
  return fieldOption('--tee-reserve <size>', description, TEE_RESERVE_BYTES, BYTES);
}

export function choiceOption(flags: string, description: string, field: ChoiceField): Option {
  const made = new Option(flags, description).choices(field.choices);
  return field.default === undefined ? made : made.default(field.default);
}

function parseCompression(text: string): Compression {
  if (isCompression(text)) return text;
  throw new PageferryError(
    'USAGE',
    `expected one of ${COMPRESSIONS.join(', ')} or zstd:LEVEL with a level from 1 to 19, not '${text}'`,
  );
}

/** `zero`, `random`, `text`, `file:PATH`, `pid:PID`, `image:FILE`. */
export function parseFill(text: string): Fill {
  if (text === 'zero' || text === 'random' || text === 'text') return { kind: text };
  const colon = text.indexOf(':');
  const [kind, rest] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if ((kind === 'file' || kind === 'image') && rest !== '') return { kind, path: rest };
  if (kind === 'pid') return { kind: 'process', pid: parseCount(rest, 1, 2 ** 22) };
  throw new PageferryError(
    'USAGE',
    `expected zero, random, text, file:PATH, pid:PID or image:FILE, not '${text}'`,
  );
}

/** The name of a program, `trace:FILE`, or `snapshots`. */
export function parseWorkload(text: string): WorkloadChoice {
  const name: WorkloadName | undefined = WORKLOAD_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  if (text === 'snapshots') return { kind: 'snapshots' };
  const path = /^trace:(.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'trace', path };
  throw new PageferryError(
    'USAGE',
    `expected one of ${WORKLOAD_NAMES.join(', ')}, trace:FILE or snapshots, not '${text}'`,
  );
}

/** 32 hexadecimal digits. */
export function parseMigrationId(text: string): string {
  if (isMigrationIdText(text)) return text;
  throw new PageferryError('USAGE', `expected 32 hexadecimal digits, not '${text}'`);
}

export function parseWriteBytes(text: string): number {
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
      option(
        '--memory <size>',
        `the guest's memory (default: ${exactBytes(defaults.memory)}; of a trace or an image, what it needs)`,
        parsePages,
      ),
    )
    .addOption(
      option(
        '--workload <name>',
        `what runs in the guest: ${WORKLOAD_NAMES.join(', ')}; trace:FILE, which pageferry trace records; or snapshots, those of the image that it is filled with`,
        parseWorkload,
      ).default('kv'),
    )
    .addOption(option('--wss <size>', 'how much memory it writes (default: all)', parsePages))
    .addOption(
      option(
        '--write-rate <n>',
        `its page writes per second, or unlimited (default: ${defaults.writeRate === 0 ? 'unlimited' : defaults.writeRate}; of a trace or snapshots, their own)`,
        parseWriteRate,
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
      option(
        '--fill <what>',
        'initial memory: zero, random, text, file:PATH, pid:PID, or image:FILE, which pageferry capture writes',
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
      fieldOption(
        '--downtime-budget <time>',
        "pre-copy's longest downtime",
        SOURCE_FIELDS.downtimeBudgetMs,
        DURATION,
      ),
    )
    .addOption(
      fieldOption('--max-rounds <n>', "pre-copy's most rounds", SOURCE_FIELDS.maxRounds, COUNT),
    )
    .addOption(
      choiceOption(
        '--if-not-converging <action>',
        'what pre-copy does then',
        SOURCE_FIELDS.otherwise,
      ),
    )
    .addOption(
      fieldOption(
        '--channels <n>',
        `page channels, 1 to ${SOURCE_FIELDS.channels.most} (default: half the cores; 2 on 2 cores)`,
        SOURCE_FIELDS.channels,
        COUNT,
      ),
    )
    .addOption(
      choiceOption(
        '--tracker <kind>',
        'dirty tracker (default: the best here, which doctor names); with mprotect the kernel cannot write guest memory, which the built-in guests do not need',
        SOURCE_FIELDS.tracker,
      ),
    )
    .addOption(
      option(
        '--compression <policy>',
        `what makes pages smaller: ${COMPRESSIONS.join(', ')} or zstd:LEVEL`,
        parseCompression,
      ).default(SOURCE_FIELDS.compression.default),
    )
    .addOption(
      fieldOption(
        '--guest-share <share>',
        "the guest's share of a core that an encoder wants too, 0.5 to 0.98",
        SOURCE_FIELDS.guestShare,
        FRACTION,
      ),
    )
    .addOption(
      fieldOption(
        '--cache <size>',
        'keep so much of what was sent, for deltas; 0: none (default: with auto and xbzrle up to half of what is free)',
        SOURCE_FIELDS.cacheBytes,
        BYTES,
      ),
    )
    .addOption(
      fieldOption(
        '--switchover-timeout <time>',
        'for each thing that a paused guest waits for',
        SOURCE_FIELDS.switchoverMs,
        DURATION,
      ),
    )
    .addOption(stallOption());
}

export function stallOption(): Option {
  return fieldOption(
    '--stall-timeout <time>',
    'how long the other side may be silent',
    STALL_MS,
    DURATION,
  );
}

function addReportOptions(command: Command): void {
  command
    .optionsGroup('The report:')
    .addOption(
      fieldOption(
        '--observe <time>',
        'watch the guest so long before and after',
        { ...SOURCE_FIELDS.observeMs, default: OBSERVE_MS },
        DURATION,
      ),
    )
    .option('--no-verify', 'do not compare the pages afterwards')
    .option('--json <file>', 'write the reports as JSON; - is stdout')
    .addOption(metricsOption());
}

export function metricsOption(): Option {
  return option('--metrics <address>', 'serve Prometheus metrics on [HOST:]PORT', (text) =>
    parseTcpAddress(text, '127.0.0.1'),
  );
}

/** All of them, in groups. */
export function addMigrationOptions(command: Command, defaults: CommandDefaults): Command {
  addGuestOptions(command, defaults);
  addEngineOptions(command, defaults);
  addReportOptions(command);
  return command.optionsGroup('Other:');
}

/** Reads a trace or an image, for what it needs. Throws USAGE. */
export async function guestOptions(
  values: MigrationValues,
  defaults: CommandDefaults,
): Promise<WorkloadOptions> {
  const { workload, wss } = values;
  return {
    workload,
    memoryBytes: values.memory ?? (await leastMemory(values, defaults)),
    ...(wss === undefined ? {} : { workingSetBytes: wss }),
    writesPerSecond: values.writeRate ?? (typeof workload === 'string' ? defaults.writeRate : 0),
    writeBytes: values.writeBytes,
    threads: values.threads,
    seed: values.seed,
    fill: values.fill,
  };
}

async function leastMemory(
  { workload, fill }: MigrationValues,
  defaults: CommandDefaults,
): Promise<number> {
  if (typeof workload !== 'string' && workload.kind === 'trace') {
    return memoryForTrace(await readTrace(workload.path), fill);
  }
  if (fill.kind === 'image') return await memoryForImage(fill.path, workload);
  return defaults.memory;
}

/** Everything but where to and how. */
export function engineOptions(
  values: MigrationValues,
): Omit<SourceOptions, 'host' | 'port' | 'strategy'> {
  return {
    ...(values.channels === undefined ? {} : { channels: values.channels }),
    ...(values.tracker === undefined ? {} : { tracker: values.tracker }),
    compression: values.compression,
    guestShare: values.guestShare,
    ...(values.cache === undefined ? {} : { cacheBytes: values.cache }),
    bandwidthBytesPerSecond: values.bandwidth,
    downtimeBudgetMs: values.downtimeBudget,
    maxRounds: values.maxRounds,
    otherwise: values.ifNotConverging,
    observeMs: values.observe,
    verify: values.verify,
    stallMs: values.stallTimeout,
    switchoverMs: values.switchoverTimeout,
  };
}
