/** `pageferry inspect`: what an image or a captured migration holds, and why a page is sent as it is. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { CAPTURE_MAGIC } from '../conformance/capture.js';
import { PageferryError } from '../errors.js';
import { InspectedImage } from '../image/inspect-image.js';
import { parseCount } from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { imageSummary } from './inspect-image.js';
import { pageSummary, printPage } from './inspect-page.js';
import {
  printStream,
  printStreamPage,
  streamPageSummary,
  streamSummary,
} from './inspect-stream.js';
import { argument } from './options.js';
import { Output } from './output.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

interface InspectValues {
  readonly page?: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

const IMAGE_MAGIC = 'PFIMAGE\n';
/** A sample of 64 MiB tells as much as all of it, but for what is rare. */
const SAMPLE_PAGES = 16_384;

const HELP = `
Of an image it says which pages are zero, repeat one word, or are of a class of
mecom's (sparse, similar, other), and what each encoding makes of those that are
not zero or of one word: bytes, and the time of one core for a page, as a table
and as a plot of one against the other. Each block is decoded and compared. Where
there are later snapshots the deltas are tried on the pages that those change. Of
a captured migration (--tee) it says what came as which content. Times are of
this machine, as busy as it is.

With --page it says of an image's page what it would be sent as by each
--compression, by auto at several links' rates, and why; and of a captured
migration's page in which rounds it came, as what, and what its deltas are of.

Examples:
  pageferry capture --pid 4242 -o kv.image --snapshots 5
  pageferry inspect kv.image
  pageferry inspect kv.image --page 17
  pageferry inspect migration.capture --page 17 --json

Exit codes:
  0  it was read
  1  it could not be read to its end
  2  wrong usage, or the file is neither, or is damaged`;

export function inspectCommand(run: Run): Command {
  return new Command('inspect')
    .summary('what an image or a captured migration holds, and what encodings make of it')
    .description('Says what an image or a captured migration holds.')
    .argument('<file>', 'what pageferry capture or --tee wrote')
    .option(
      '--page <n>',
      'one page, from 0 on: what each encoding makes of it and which it gets, or how it came',
      argument((text) => parseCount(text)),
    )
    .option('--all', 'try the encodings on every page, not on a sample of 64 MiB')
    .option('--json', 'print it as JSON')
    .addHelpText('after', HELP)
    .action((file: string, values: InspectValues) => run(() => inspect(file, values)));
}

async function inspect(file: string, values: InspectValues): Promise<ExitCode> {
  const output = new Output(values.json ? '-' : undefined);
  return kindOf(file) === 'stream'
    ? await inspectStream(file, values, output)
    : await inspectImage(file, values, output);
}

async function inspectStream(
  file: string,
  { page, json }: InspectValues,
  output: Output,
): Promise<ExitCode> {
  const about = async <Summary extends { readonly cut: string | null }>(
    summary: Summary,
    print: (output: Output, summary: Summary) => void,
  ): Promise<ExitCode> => {
    if (json) writeJson('-', summary);
    else print(output, summary);
    return summary.cut === null ? EXIT.verified : EXIT.safeOnSource;
  };
  return page === undefined
    ? await about(await streamSummary(file), printStream)
    : await about(await streamPageSummary(file, page), printStreamPage);
}

async function inspectImage(
  file: string,
  { page, all, json }: InspectValues,
  output: Output,
): Promise<ExitCode> {
  const image = await InspectedImage.open(file);
  if (page === undefined) {
    const summary = await imageSummary(file, image, all === true ? 0 : SAMPLE_PAGES, output);
    if (json) writeJson('-', summary);
    return EXIT.verified;
  }
  const summary = await pageSummary(file, image, page);
  if (json) writeJson('-', summary);
  else printPage(output, summary);
  return EXIT.verified;
}

function kindOf(file: string): 'image' | 'stream' {
  const magic = magicOf(file);
  if (magic === IMAGE_MAGIC) return 'image';
  if (magic === CAPTURE_MAGIC) return 'stream';
  throw new PageferryError(
    'USAGE',
    `${file} is neither an image (pageferry capture) nor a captured migration (--tee)`,
  );
}

function magicOf(file: string): string {
  const bytes = Buffer.alloc(IMAGE_MAGIC.length);
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file');
    const descriptor = openSync(file, 'r');
    try {
      return bytes.toString('latin1', 0, readSync(descriptor, bytes));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('USAGE', `cannot read ${file}: ${reason}`, { cause: error });
  }
}
