/** `pageferry capture`: writes the memory of a running process to a file, for `--fill image:FILE`. */
import { Command, Option } from 'commander';
import { PageferryError } from '../errors.js';
import { type ImageProgress, type RecordedImage, recordImage } from '../image/record-image.js';
import type { ImageEnd, ImageMapping, ImageSnapshot } from '../native/processes.js';
import {
  exactDuration,
  formatBytes,
  formatWhole,
  PAGE_BYTES,
  parseCount,
  parseDuration,
} from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { argument } from './options.js';
import { Output } from './output.js';
import { checkRecording, progressLine, untilInterrupted } from './process-recording.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

interface CaptureValues {
  readonly pid: number;
  readonly out: string;
  readonly snapshots: number;
  readonly every: number;
  readonly stop?: boolean;
  readonly json?: boolean;
}

/** What --json prints. */
export interface CaptureSummary {
  readonly version: 1;
  readonly file: string;
  readonly fileBytes: number;
  readonly pid: number;
  readonly stopped: boolean;
  readonly end: ImageEnd;
  readonly pages: number;
  readonly unreadablePages: number;
  readonly snapshots: readonly ImageSnapshot[];
  readonly mappings: readonly ImageMapping[];
}

const MOST_LATER_SNAPSHOTS = 4095;
const DEFAULT_EVERY_MS = 2000;
const LEAST_EVERY_MS = 10;
const MOST_EVERY_MS = 3_600_000;

const HELP = `
It copies every page that is resident: heap, stacks, anonymous and shared
memory, and what is mapped of files. Mappings that cannot be read, devices and
the kernel's own pages are left out, and it says so. Later snapshots hold the
pages that have changed. The process is not stopped, so that each page is as it
was when it was copied; with --stop it stands still during each snapshot.

The file holds everything that the process has in memory, secrets included, and
only its owner may read it.

Examples:
  pageferry capture --pid 4242 -o kv.image
  pageferry capture --pid 4242 -o kv.image --snapshots 5 --every 2s --stop
  pageferry demo --fill image:kv.image --workload snapshots

Exit codes:
  0  the file is whole; also when Ctrl-C or the end of the process came after
     the first snapshot, which is then kept
  1  the process could not be captured, and there is no file
  2  wrong usage`;

export function captureCommand(run: Run): Command {
  return new Command('capture')
    .summary('write the memory of a process to a file, for guests to begin with')
    .description('Writes the resident memory of a running process to a file.')
    .requiredOption(
      '--pid <n>',
      'the process',
      argument((text) => parseCount(text, 1, 2 ** 22)),
    )
    .requiredOption('-o, --out <file>', 'where to write the image')
    .addOption(
      new Option('--snapshots <n>', 'how many later snapshots to add: the pages that have changed')
        .argParser(argument((text) => parseCount(text, 0, MOST_LATER_SNAPSHOTS)))
        .default(0),
    )
    .addOption(
      new Option('--every <time>', 'from the end of one snapshot to the beginning of the next')
        .argParser(argument(parseEvery))
        .default(DEFAULT_EVERY_MS, exactDuration(DEFAULT_EVERY_MS)),
    )
    .option('--stop', 'stop the process (SIGSTOP) during each snapshot')
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', HELP)
    .action((values: CaptureValues) => run(() => capture(values)));
}

function parseEvery(text: string): number {
  const ms = parseDuration(text);
  if (ms >= LEAST_EVERY_MS && ms <= MOST_EVERY_MS) return ms;
  throw new PageferryError(
    'USAGE',
    `expected ${exactDuration(LEAST_EVERY_MS)} to ${exactDuration(MOST_EVERY_MS)}, not '${text}'`,
  );
}

async function capture(values: CaptureValues): Promise<ExitCode> {
  checkRecording(values, 'image');
  const output = new Output(values.json ? '-' : undefined);
  const progress = await progressLine(output, progressText(values.snapshots));
  try {
    const recorded = await untilInterrupted((signal) => {
      output.line(startLine(values));
      return recordImage({
        pid: values.pid,
        path: values.out,
        stop: values.stop === true,
        laterSnapshots: values.snapshots,
        everyMs: values.every,
        signal,
        onProgress: progress.show,
      });
    });
    progress.end();
    const summary = summaryOf(values, recorded);
    printSummary(output, summary);
    if (values.json) writeJson('-', summary);
    return EXIT.verified;
  } finally {
    progress.end();
  }
}

function startLine({ pid, snapshots, every, stop }: CaptureValues): string {
  const later =
    snapshots === 0
      ? ''
      : `, then what has changed, ${snapshots} times, every ${exactDuration(every)}`;
  const how = stop ? 'It is stopped during each snapshot' : 'It keeps running';
  return `Capturing process ${pid}${later}. ${how}. Ctrl-C ends it early.`;
}

function progressText(laterSnapshots: number): (progress: ImageProgress) => string {
  return ({ snapshot, pages, of, storedBytes }) =>
    [
      `snapshot ${snapshot + 1} of ${laterSnapshots + 1}`,
      `${formatBytes(pages * PAGE_BYTES)} of ${formatBytes(of * PAGE_BYTES)} looked at`,
      `${formatBytes(storedBytes)} stored before`,
    ].join(', ');
}

function summaryOf({ pid, out, stop }: CaptureValues, recorded: RecordedImage): CaptureSummary {
  const { end, fileBytes, pages, unreadablePages, snapshots, mappings } = recorded;
  const stopped = stop === true;
  return {
    version: 1,
    file: out,
    fileBytes,
    pid,
    stopped,
    end,
    pages,
    unreadablePages,
    snapshots,
    mappings,
  };
}

const ENDED: Readonly<Record<ImageEnd, string>> = {
  complete: '',
  interrupted: 'Ended early; the snapshots that were whole are kept. ',
  'process-ended': 'The process ended; the snapshots that were whole are kept. ',
  full: 'The image has reached its limit (docs/image-format.md). ',
};

const LEFT_OUT: Readonly<Record<Exclude<ImageMapping['leftOut'], ''>, string>> = {
  'not-readable': 'that cannot be read',
  kernel: 'of the kernel',
  device: 'of devices',
};

function printSummary(output: Output, summary: CaptureSummary): void {
  const { end, file, fileBytes, pages, unreadablePages, snapshots, mappings } = summary;
  const [first, ...later] = snapshots;
  const zero = pages - (first?.contents ?? 0);
  output.line(
    `${ENDED[end]}${formatBytes(pages * PAGE_BYTES)} of memory, ${formatBytes(zero * PAGE_BYTES)} of it zero: ${file}, ${formatBytes(fileBytes)}`,
  );
  for (const [number, { timeMs, entries }] of later.entries()) {
    output.line(
      `Snapshot ${number + 2}, at ${exactDuration(Math.round(timeMs))}: ${formatWhole(entries)} pages changed`,
    );
  }
  for (const [reason, text] of Object.entries(LEFT_OUT)) {
    const found = mappings.filter(({ leftOut }) => leftOut === reason);
    const bytes = found.reduce((sum, mapping) => sum + mapping.bytes, 0);
    if (found.length > 0) {
      output.line(`Left out: ${found.length} mappings ${text}, ${formatBytes(bytes)} of addresses`);
    }
  }
  if (unreadablePages > 0) {
    output.line(`Left out: ${formatWhole(unreadablePages)} pages that vanished or cannot be read`);
  }
  const goesThrough = later.some(({ entries }) => entries > 0) ? ' --workload snapshots' : '';
  output.line(`Begin a guest with it: pageferry demo --fill image:${file}${goesThrough}`);
}
