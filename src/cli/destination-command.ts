/** `pageferry destination`: takes built-in guests, one migration after another, several at once. */
import { Command, Option } from 'commander';
import { oneLine } from '../errors.js';
import type { Destination, WorkloadGuest } from '../index.js';
import type { DestinationMetrics } from '../metrics/prometheus.js';
import { DESTINATION_FIELDS } from '../options/destination-fields.js';
import {
  type Address,
  formatAddress,
  formatBytes,
  formatCount,
  parseAddress,
  parsePages,
  type TcpAddress,
} from '../units.js';
import { type DestinationWatcher, listenForGuests } from './builtin-destination.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { onInterrupt } from './interrupts.js';
import { WantedMetrics } from './metrics-server.js';
import {
  argument,
  COUNT,
  fieldOption,
  metricsOption,
  PAGES,
  stallOption,
  teeReserveOption,
} from './options.js';
import { Output } from './output.js';
import type { Run } from './run.js';
import { addTlsOptions, filesOf, securityOptions, type TlsValues } from './tls-options.js';
import { onFileChange } from './watch-files.js';

interface DestinationValues extends TlsValues {
  readonly listen: Address;
  readonly memoryLimit?: number;
  readonly maxMigrations: number;
  readonly maxPageChannels: number;
  readonly overcommit?: boolean;
  readonly prefault?: boolean;
  readonly prepare?: readonly number[];
  readonly keep?: boolean;
  readonly image?: readonly string[];
  readonly stallTimeout: number;
  readonly tee?: string;
  readonly teeReserve: number;
  readonly metrics?: TcpAddress;
}

const DEFAULT_ADDRESS = '127.0.0.1:7777';
/** For telling the sources of unfinished migrations. */

const EXAMPLES = `
Examples:
  pageferry destination
  pageferry destination --listen 0.0.0.0:7777 --tls this-host.pem --prefault
  pageferry destination --listen 0.0.0.0:7777 --psk lab.key --memory-limit 8GiB
  pageferry destination --listen unix:/run/pageferry.sock --prepare 2GiB
  pageferry destination --listen [::1]:7777 --keep --metrics 9465

It runs until Ctrl-C. When its certificates, its key or the list of revoked
certificates change, it reads them again.

Exit codes:
  0  ended by Ctrl-C or SIGTERM
  1  it cannot listen there
  2  wrong usage`;

export function destinationCommand(run: Run): Command {
  const command = new Command('destination')
    .summary('take the guests that sources send')
    .description('Listens for sources and takes their guests, several at once.')
    .addOption(
      new Option('--listen <address>', 'HOST:PORT, where port 0 takes a free one, or unix:PATH')
        .argParser(argument(parseAddress))
        .default(parseAddress(DEFAULT_ADDRESS), DEFAULT_ADDRESS),
    )
    .addOption(
      fieldOption(
        '--memory-limit <size>',
        'the largest guest that is taken',
        DESTINATION_FIELDS.memoryLimitBytes,
        PAGES,
      ),
    )
    .addOption(
      fieldOption('--max-migrations <n>', 'at once', DESTINATION_FIELDS.maxMigrations, COUNT),
    )
    .addOption(
      fieldOption(
        '--max-page-channels <n>',
        'page channels of all migrations together; each takes a thread',
        DESTINATION_FIELDS.maxPageChannels,
        COUNT,
      ),
    )
    .option(
      '--overcommit',
      'take guests that hold more than is free here, and reserve nothing for them',
    )
    .option('--prefault', "populate a guest's memory before its first page arrives")
    .option(
      '--prepare <size>',
      'have memory for a guest of this size ready before it comes; may be repeated',
      (text: string, sizes: readonly number[] = []) => [...sizes, argument(parsePages)(text)],
    )
    .option(
      '--image <file>',
      'take guests that go through the snapshots of this image; may be repeated',
      (path: string, paths: readonly string[] = []) => [...paths, path],
    )
    .option('--keep', 'let guests run on after their migration, instead of ending them')
    .option(
      '--tee <folder>',
      'capture each migration to a file there; it holds guest memory; see verify-stream',
    )
    .addOption(teeReserveOption('a capture ends'))
    .addOption(stallOption());
  return addTlsOptions(command)
    .option(
      '--allow <name>',
      'with --tls: take sources with this name in their certificate and no others; may be repeated',
      (name: string, names: readonly string[] = []) => [...names, name],
    )
    .addOption(metricsOption())
    .addHelpText('after', EXAMPLES)
    .action((values: DestinationValues) => run(() => serve(values)));
}

async function serve(values: DestinationValues): Promise<ExitCode> {
  const output = new Output(undefined);
  const log = new EventLog(output, values.keep ?? false);
  const security = securityOptions(values);
  // Before the first guest can come, so that it is counted.
  const wanted = await WantedMetrics.at(values.metrics);
  const destination = await listenForGuests(
    {
      ...values.listen,
      ...security,
      maxMigrations: values.maxMigrations,
      maxPageChannels: values.maxPageChannels,
      overcommit: values.overcommit ?? false,
      prefault: values.prefault ?? false,
      prepare: (values.prepare ?? []).map((bytes) => [bytes]),
      stallMs: values.stallTimeout,
      images: values.image ?? [],
      ...(values.tee === undefined ? {} : { tee: values.tee }),
      teeReserveBytes: values.teeReserve,
      ...(values.memoryLimit === undefined ? {} : { memoryLimitBytes: values.memoryLimit }),
    },
    log,
  );
  const stopWatching = onFileChange(filesOf(security.tls), () => log.reload(destination));
  const address = formatAddress(destination.address);
  const limit =
    values.memoryLimit === undefined ? '' : `, guests up to ${formatBytes(values.memoryLimit)}`;
  output.line(`listening on ${address}${limit}; Ctrl-C ends it`);
  log.metrics = wanted?.ofDestination(destination);
  const server = log.metrics && (await wanted?.serve(output, log.metrics));
  await new Promise<void>((resolve) => onInterrupt(resolve, () => process.exit(EXIT.verified)));
  if (destination.guestsArriving > 0) {
    output.line('a guest is still arriving; waiting for its last page (Ctrl-C again loses it)');
  }
  await destination.close();
  stopWatching();
  server?.close();
  log.discardKept();
  output.line('closed');
  return EXIT.verified;
}

/** One line for each event, with the time of day. */
class EventLog implements DestinationWatcher {
  metrics: DestinationMetrics | undefined;
  readonly #output: Output;
  readonly #keep: boolean;
  readonly #kept: WorkloadGuest[] = [];

  constructor(output: Output, keep: boolean) {
    this.#output = output;
    this.#keep = keep;
  }

  arriving(peer: string): void {
    this.#line(`arriving from ${peer}`);
  }

  arrived(peer: string, guest: WorkloadGuest): void {
    this.metrics?.migrationEnded('arrived');
    const { workload } = guest.probe;
    const { operations } = guest.probe.observe();
    const size = formatBytes(guest.memory.bytes);
    const what = `${workload} guest of ${size}, ${formatCount(operations)} operations old`;
    if (this.#keep) this.#kept.push(guest);
    else guest.discard();
    this.#line(`arrived from ${peer}: ${what}; ${this.#keep ? 'it runs on here' : 'ended here'}`);
  }

  dropped(peer: string, error: Error & { code: string }): void {
    this.metrics?.migrationEnded('dropped');
    this.#line(`dropped from ${peer}: ${error.code}: ${error.message}`);
  }

  lost(peer: string, error: Error & { code: string }): void {
    this.metrics?.migrationEnded('lost');
    this.#line(`lost from ${peer}: ${error.code}: ${error.message}`);
  }

  stranger(peer: string, reason: string, others: number): void {
    this.metrics?.strangersTurnedAway(1 + others);
    const more = others === 0 ? '' : `; and ${others} others before`;
    this.#line(`stranger ${peer} turned away: ${reason}${more}`);
  }

  discardKept(): void {
    for (const guest of this.#kept.splice(0)) guest.discard();
  }

  warning(error: Error & { code: string }): void {
    this.#line(`warning: ${error.code}: ${error.message}`);
  }

  reload(destination: Destination): void {
    try {
      destination.reloadCredentials();
      this.#line('certificates and keys were read again');
    } catch (error) {
      this.#line(`warning: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #line(text: string): void {
    const time = new Date().toTimeString().slice(0, 8);
    this.#output.line(`${this.#output.colors.dim(time)} ${oneLine(text)}`);
  }
}
