/** `pageferry inspect`: what an image or a captured migration holds. */
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { CAPTURE_MAGIC, CaptureUnreadable } from '../conformance/capture.js';
import { type CaptureCheck, checkCapture } from '../conformance/check-capture.js';
import { PageferryError } from '../errors.js';
import {
  ENCODINGS,
  ENCODINGS_OF_CHANGES,
  type EncodingFigures,
  InspectedImage,
  type InspectedPage,
  type InspectedPages,
  type TriedEncoding,
} from '../image/inspect-image.js';
import type { PageContent } from '../native/binding.js';
import { formatBytes, formatWhole, PAGE_BYTES, parseCount } from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { argument } from './options.js';
import { Output } from './output.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

interface InspectValues {
  readonly page?: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** What --json prints of an image. */
export interface ImageSummary extends InspectedPages {
  readonly version: 1;
  readonly kind: 'image';
  readonly file: string;
  /** Of the pages of the first snapshot that are neither zero nor of one word. */
  readonly encodings: readonly EncodingFigures[];
  /** Of the pages that later snapshots change. */
  readonly changes: readonly EncodingFigures[];
}

/** What --json prints of a captured migration. */
export interface StreamSummary {
  readonly version: 1;
  readonly kind: 'stream';
  readonly file: string;
  readonly migrationId: string | null;
  readonly strategy: string | null;
  readonly pages: Readonly<Record<string, number>>;
  /** Of the entries' payload, by content; null where nobody has counted it. */
  readonly payloadBytes: Readonly<Record<string, number>>;
  readonly bytes: CaptureCheck['bytes'];
  readonly cut: string | null;
}

const IMAGE_MAGIC = 'PFIMAGE\n';
/** A sample of 64 MiB tells as much as all of it, but for what is rare. */
const SAMPLE_PAGES = 16_384;
const READ_AT_ONCE = 1 << 20;

const HELP = `
Of an image it says which pages are zero, repeat one word, or are of a class of
mecom's (sparse, similar, other), and what each encoding makes of those that are
not zero or of one word: bytes, and the time of one core for a page. Each block
is decoded and compared. Where there are later snapshots the deltas are tried on
the pages that those change. Of a captured migration (--tee) it says what came
as which content. Times are of this machine, as busy as it is.

Examples:
  pageferry capture --pid 4242 -o kv.image --snapshots 5
  pageferry inspect kv.image
  pageferry inspect kv.image --page 17
  pageferry inspect migration.capture --json

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
      'one page of an image, from 0 on: its class, and what each encoding makes of it',
      argument((text) => parseCount(text)),
    )
    .option('--all', 'try the encodings on every page, not on a sample of 64 MiB')
    .option('--json', 'print it as JSON')
    .addHelpText('after', HELP)
    .action((file: string, values: InspectValues) => run(() => inspect(file, values)));
}

async function inspect(file: string, values: InspectValues): Promise<ExitCode> {
  const output = new Output(values.json ? '-' : undefined);
  const kind = kindOf(file);
  if (kind === 'stream') {
    if (values.page !== undefined) {
      throw new PageferryError('USAGE', `${file} is a captured migration: --page is for images`);
    }
    const summary = await streamSummary(file);
    if (values.json) writeJson('-', summary);
    else printStream(output, summary);
    return summary.cut === null ? EXIT.verified : EXIT.safeOnSource;
  }
  const image = await InspectedImage.open(file);
  if (values.page === undefined) {
    const summary = await imageSummary(file, image, values.all === true ? 0 : SAMPLE_PAGES, output);
    if (values.json) writeJson('-', summary);
    return EXIT.verified;
  }
  const page = await image.page(values.page);
  if (values.json) writeJson('-', { version: 1, kind: 'page', file, ...page });
  else printPage(output, page);
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

async function streamSummary(file: string): Promise<StreamSummary> {
  const check = await readStream(file);
  const { migrationId, strategy, pages, payloadBytes, bytes, cut } = check;
  return {
    ...{ version: 1, kind: 'stream', file },
    ...{ migrationId, strategy, pages, payloadBytes, bytes, cut },
  };
}

async function readStream(file: string): Promise<CaptureCheck> {
  try {
    return await checkCapture(createReadStream(file, { highWaterMark: READ_AT_ONCE }));
  } catch (error) {
    if (!(error instanceof CaptureUnreadable)) throw error;
    throw new PageferryError('USAGE', `cannot read ${file}: ${error.message}`, { cause: error });
  }
}

function printStream(output: Output, summary: StreamSummary): void {
  const { pages, payloadBytes, bytes, cut } = summary;
  output.line(
    `Migration ${summary.migrationId ?? 'without an id'}, ${summary.strategy ?? 'no strategy said'}`,
  );
  output.line();
  output.line(`${'content'.padEnd(12)}${'pages'.padStart(14)}${'payload'.padStart(14)}`);
  for (const [content, count] of Object.entries(pages)) {
    if (count === 0) continue;
    const payload = formatBytes(payloadBytes[content] ?? 0);
    output.line(`${content.padEnd(12)}${formatWhole(count).padStart(14)}${payload.padStart(14)}`);
  }
  output.line();
  for (const { channel, ...ways } of bytes) {
    output.line(`${channel.padEnd(12)}${formatBytes(ways['to-destination']).padStart(14)} sent`);
  }
  if (cut !== null) output.line(output.colors.red(`Not whole: ${cut}.`));
}

const CONTENTS: Readonly<Record<PageContent, string>> = {
  zero: 'zero',
  fill: 'one word that repeats',
  sparse: 'sparse: mostly zero words',
  similar: 'similar: words like those before',
  other: 'other',
};

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`;
}

/** The figures are printed as they come. */
async function imageSummary(
  file: string,
  image: InspectedImage,
  mostPages: number,
  output: Output,
): Promise<ImageSummary> {
  const found = await image.pages();
  printContents(output, found);
  const tryAll = async (list: readonly TriedEncoding[], changes: boolean) => {
    const figures: EncodingFigures[] = [];
    for (const tried of list) {
      const one = await image.try(tried, changes, mostPages);
      if (one.pages === 0) break;
      if (figures.length === 0) printHead(output, one, changes);
      printFigures(output, one);
      figures.push(one);
    }
    return figures;
  };
  const encodings = await tryAll(ENCODINGS, false);
  const changes = found.snapshots > 1 ? await tryAll(ENCODINGS_OF_CHANGES, true) : [];
  return { version: 1, kind: 'image', file, ...found, encodings, changes };
}

function printContents(output: Output, { pages, snapshots, contents }: InspectedPages): void {
  const count = formatWhole(snapshots);
  output.line(
    `${formatBytes(pages * PAGE_BYTES)} of memory, ${count} ${snapshots === 1 ? 'snapshot' : 'snapshots'}`,
  );
  output.line();
  for (const [content, text] of Object.entries(CONTENTS) as [PageContent, string][]) {
    const own = contents[content];
    output.line(
      `${text.padEnd(34)}${formatWhole(own).padStart(12)} pages ${share(own, pages).padStart(8)}`,
    );
  }
}

const COLUMNS = ['encoding', 'pages a block', 'out ÷ in', 'as they are', 'encode', 'decode'];
const WIDTHS = [14, 15, 11, 13, 14, 14];

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i] ?? 0) : cell.padStart(WIDTHS[i] ?? 0)))
    .join('');
}

function printHead(output: Output, { pages }: EncodingFigures, changes: boolean): void {
  const which = changes ? 'that later snapshots change' : 'of the first snapshot';
  output.line();
  output.line(`Tried on ${formatWhole(pages)} pages ${which}:`);
  output.line(output.colors.bold(line(COLUMNS)));
}

function nameOf({ encoding, level }: Pick<TriedEncoding, 'encoding' | 'level'>): string {
  return encoding === 'zstd' ? `zstd:${level}` : encoding;
}

function printFigures(output: Output, figures: EncodingFigures): void {
  const { blockPages, pages, bytesIn, bytesOut, pagesRaw } = figures;
  const { encodeNsPerPage, decodeNsPerPage } = figures;
  output.line(
    line([
      nameOf(figures),
      `${blockPages}`,
      (bytesOut / bytesIn).toFixed(3),
      share(pagesRaw, pages),
      `${formatWhole(encodeNsPerPage)} ns`,
      decodeNsPerPage === null ? '–' : `${formatWhole(decodeNsPerPage)} ns`,
    ]),
  );
}

function printPage(output: Output, { page, content, encodings }: InspectedPage): void {
  output.line(`Page ${formatWhole(page)}, at the first snapshot: ${CONTENTS[content]}`);
  output.line();
  for (const { bytes, ...tried } of encodings) {
    const text = bytes === null ? 'no fewer bytes' : `${formatWhole(bytes)} bytes`;
    output.line(`${nameOf(tried).padEnd(14)}${text.padStart(16)}`);
  }
}
