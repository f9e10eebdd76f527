/** `pageferry trace`: records which pages a running process writes, for `--workload trace:FILE`. */
import { statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { PageferryError } from '../errors.js';
import type { EndReason, TraceMethod } from '../trace/format.js';
import { type RecordedTrace, recordTrace, type TraceProgress } from '../trace/record-trace.js';
import {
  exactDuration,
  formatBytes,
  formatCount,
  formatDuration,
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

interface TraceValues {
  readonly pid: number;
  readonly out: string;
  readonly seconds: number;
  readonly interval: number;
  readonly json?: boolean;
}

/** What --json prints. */
export interface TraceSummary {
  readonly version: 1;
  readonly file: string;
  readonly fileBytes: number;
  readonly pid: number;
  readonly method: TraceMethod;
  readonly reason: EndReason;
  readonly durationMs: number;
  readonly intervals: number;
  readonly pages: number;
  /** Pages written, each counted once an interval. */
  readonly writes: number;
  readonly writesPerSecond: number;
}

const DEFAULT_INTERVAL_MS = 100;
const LEAST_INTERVAL_MS = 1;
const MOST_INTERVAL_MS = 60_000;
const MOST_SECONDS = 24 * 3600;

const HELP = `
It records the memory that the process writes itself: heap, stacks, anonymous
and shared memory. The process is not stopped. Where the kernel has no
soft-dirty bits the contents of all its pages are compared in each interval,
which takes memory bandwidth and a core; an interval that is shorter than that
is stretched. Ctrl-C ends it early and keeps the file.

Examples:
  pageferry trace --pid 4242 --out kv.trace
  pageferry trace --pid 4242 --out kv.trace --seconds 60 --interval 50ms
  pageferry demo --workload trace:kv.trace --fill pid:4242

Exit codes:
  0  the file is whole; also when Ctrl-C or the end of the process came first
  1  the process could not be recorded
  2  wrong usage`;

export function traceCommand(run: Run): Command {
  return new Command('trace')
    .summary('record which pages a process writes, for a guest to replay')
    .description('Records which pages a running process writes, interval by interval, to a file.')
    .requiredOption(
      '--pid <n>',
      'the process',
      argument((text) => parseCount(text, 1, 2 ** 22)),
    )
    .requiredOption('--out <file>', 'where to write the trace')
    .addOption(
      new Option('--seconds <n>', 'how long to record')
        .argParser(argument((text) => parseCount(text, 1, MOST_SECONDS)))
        .default(10),
    )
    .addOption(
      new Option('--interval <time>', 'how often to look')
        .argParser(argument(parseInterval))
        .default(DEFAULT_INTERVAL_MS, exactDuration(DEFAULT_INTERVAL_MS)),
    )
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', HELP)
    .action((values: TraceValues) => run(() => trace(values)));
}

function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms >= LEAST_INTERVAL_MS && ms <= MOST_INTERVAL_MS) return ms;
  throw new PageferryError(
    'USAGE',
    `expected ${exactDuration(LEAST_INTERVAL_MS)} to ${exactDuration(MOST_INTERVAL_MS)}, not '${text}'`,
  );
}

async function trace(values: TraceValues): Promise<ExitCode> {
  checkRecording(values, 'trace');
  const output = new Output(values.json ? '-' : undefined);
  const progress = await progressLine(output, progressText(values.seconds));
  try {
    const recorded = await untilInterrupted((signal) =>
      recordTrace({
        pid: values.pid,
        path: values.out,
        durationMs: values.seconds * 1000,
        intervalMs: values.interval,
        signal,
        onStart: ({ method }) => output.line(startLine(values, method)),
        onInterval: progress.show,
      }),
    );
    progress.end();
    const summary = summaryOf(values, recorded);
    printSummary(output, summary);
    if (values.json) writeJson('-', summary);
    return EXIT.verified;
  } finally {
    progress.end();
  }
}

function startLine({ pid, seconds, interval }: TraceValues, method: TraceMethod): string {
  const how =
    method === 'soft-dirty'
      ? "by the kernel's soft-dirty bits"
      : 'by comparing contents, because this kernel has no soft-dirty bits';
  return `Recording process ${pid} for ${seconds} s, every ${formatDuration(interval)}, ${how}. Ctrl-C ends it early.`;
}

function progressText(seconds: number): (progress: TraceProgress) => string {
  return (progress) =>
    [
      `${formatDuration(progress.elapsedMs)} of ${seconds} s`,
      `${formatBytes(progress.pages * PAGE_BYTES)} of memory`,
      `${formatCount(progress.pagesWritten / (progress.intervalMs / 1000))} pages/s written`,
      `a look takes ${formatDuration(progress.lookMs)}`,
    ].join(', ');
}

function summaryOf({ pid, out }: TraceValues, recorded: RecordedTrace): TraceSummary {
  const { method, reason, durationMs, intervals, pages, writes } = recorded;
  return {
    version: 1,
    file: out,
    fileBytes: statSync(out).size,
    pid,
    method,
    reason,
    durationMs,
    intervals,
    pages,
    writes,
    writesPerSecond: durationMs > 0 ? writes / (durationMs / 1000) : 0,
  };
}

const ENDED: Readonly<Record<EndReason, string>> = {
  complete: '',
  interrupted: 'Ended early. ',
  'process-ended': 'The process ended; what was recorded up to then is kept. ',
  full: 'The trace has reached its limit (docs/trace-format.md). ',
};

function printSummary(output: Output, summary: TraceSummary): void {
  const { reason, file, fileBytes, intervals, pages, writes, writesPerSecond } = summary;
  output.line(
    `${ENDED[reason]}${formatWhole(writes)} page writes (${formatCount(writesPerSecond)}/s) on ${formatBytes(pages * PAGE_BYTES)} in ${formatWhole(intervals)} intervals: ${file}, ${formatBytes(fileBytes)}`,
  );
  if (writes === 0)
    output.line('It wrote nothing, so there is nothing to replay: put it under load.');
  else output.line(`Replay it with: pageferry demo --workload trace:${file}`);
}
