/** `pageferry verify-stream`: checks a captured migration against docs/protocol.md. */
import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { CaptureUnreadable } from '../conformance/capture.js';
import { type CaptureCheck, checkCapture } from '../conformance/check-capture.js';
import { PageferryError } from '../errors.js';
import { formatBytes, formatWhole } from '../units.js';
import type { ExitCode } from './exit-codes.js';
import { Output, printError } from './output.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

interface VerifyStreamValues {
  readonly json?: boolean;
}

const CHECKED = { right: 0, violations: 1, unreadable: 2 } as const satisfies Record<
  string,
  ExitCode
>;
const READ_AT_ONCE = 1 << 20;
/** So many are printed for people; --json has a thousand. */
const MOST_SHOWN = 20;

const HELP = `
It reads a file that source or destination wrote with --tee, and checks every
rule of docs/protocol.md and docs/encodings.md that can be seen from the bytes.
It shares no code with the engine, so that a mistake in one is not a mistake in
both.

Examples:
  pageferry source --to HOST:7777 --tee migration.capture
  pageferry verify-stream migration.capture
  pageferry verify-stream migration.capture --json | jq .violations

Exit codes:
  0  everything in the file is as the protocol says
  1  something is not
  2  wrong usage, or the file cannot be read, is no capture or was cut short`;

export function verifyStreamCommand(run: Run): Command {
  return new Command('verify-stream')
    .summary('check a captured migration against the protocol')
    .description('Checks a captured migration against the protocol.')
    .argument('<file>', 'what --tee wrote')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action((file: string, values: VerifyStreamValues) => run(() => verifyStream(file, values)));
}

async function verifyStream(file: string, { json }: VerifyStreamValues): Promise<ExitCode> {
  const check = await read(file);
  if (json === true) writeJson('-', { version: 1, file, ...check });
  else print(new Output(undefined), check);
  if (check.violationCount > 0) return CHECKED.violations;
  if (check.cut === null) return CHECKED.right;
  printError(new PageferryError('USAGE', `${file}: ${check.cut}. What is there was checked`));
  return CHECKED.unreadable;
}

async function read(file: string): Promise<CaptureCheck> {
  try {
    return await checkCapture(createReadStream(file, { highWaterMark: READ_AT_ONCE }));
  } catch (error) {
    const isOfFile =
      error instanceof CaptureUnreadable || (error instanceof Error && 'errno' in error);
    if (!isOfFile) throw error;
    throw new PageferryError('USAGE', `cannot read the capture ${file}: ${error.message}`, {
      cause: error,
    });
  }
}

function print(output: Output, check: CaptureCheck): void {
  const { bold, red, green } = output.colors;
  const row = (name: string, text: string) => output.line(`${bold(name.padEnd(12))} ${text}`);
  row('Migration', `${check.migrationId ?? 'without an id'}, captured by the ${check.side}`);
  row('Strategy', check.strategy ?? 'not said');
  row('Outcome', check.outcome);
  row('To dest.', countsOf(check.messages['to-destination']));
  row('To source', countsOf(check.messages['to-source']));
  row('Records', countsOf(check.records));
  row('Pages', countsOf(check.pages));
  row('Payload', countsOf(check.payloadBytes, formatBytes));
  for (const { channel, ...bytes } of check.bytes) {
    row(
      channel,
      `${formatBytes(bytes['to-destination'])} → dest., ${formatBytes(bytes['to-source'])} ← back`,
    );
  }
  output.line();
  for (const { section, channel, direction, offset, expected, found } of check.violations.slice(
    0,
    MOST_SHOWN,
  )) {
    const where = `${channel}, byte ${offset} ${direction === 'to-source' ? 'to the source' : 'to the destination'}`;
    output.line(`${red(`section ${section}`)}: ${where}: expected ${expected}; found ${found}`);
  }
  const { violationCount } = check;
  const more = violationCount - Math.min(violationCount, MOST_SHOWN);
  if (more > 0) output.line(`and ${formatWhole(more)} more`);
  if (violationCount === 0) output.line(green('No violations.'));
  else
    output.line(
      red(
        `${formatWhole(violationCount)} ${violationCount === 1 ? 'violation' : 'violations'} of docs/protocol.md.`,
      ),
    );
}

function countsOf(counts: Readonly<Record<string, number>>, format = formatWhole): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.map(([name, count]) => `${format(count)} ${name}`).join(', ') || 'none';
}
