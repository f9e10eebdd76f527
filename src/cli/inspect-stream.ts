/** What `pageferry inspect` says of a captured migration. */
import { createReadStream } from 'node:fs';
import { CaptureUnreadable } from '../conformance/capture.js';
import { type CaptureCheck, checkCapture } from '../conformance/check-capture.js';
import { type PageArrival, PageHistory } from '../conformance/page-history.js';
import { PageferryError } from '../errors.js';
import { formatBytes, formatWhole, PAGE_BYTES } from '../units.js';
import type { Output } from './output.js';
import { bar } from './plot.js';

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

/** What --json prints of one page of a captured migration. */
export interface StreamPageSummary {
  readonly version: 1;
  readonly kind: 'stream-page';
  readonly file: string;
  readonly page: number;
  /** Null where the capture does not get so far. */
  readonly guestPages: number | null;
  readonly finalRound: number | null;
  /** All of them; the first thousand are listed, in the order in which the capturing side saw them. */
  readonly arrivalCount: number;
  readonly arrivals: readonly PageArrival[];
  readonly cut: string | null;
}

const READ_AT_ONCE = 1 << 20;

export async function streamSummary(file: string): Promise<StreamSummary> {
  const check = await readStream(file);
  const { migrationId, strategy, pages, payloadBytes, bytes, cut } = check;
  return {
    ...{ version: 1, kind: 'stream', file },
    ...{ migrationId, strategy, pages, payloadBytes, bytes, cut },
  };
}

async function readStream(file: string, history?: PageHistory): Promise<CaptureCheck> {
  try {
    return await checkCapture(createReadStream(file, { highWaterMark: READ_AT_ONCE }), history);
  } catch (error) {
    if (!(error instanceof CaptureUnreadable)) throw error;
    throw new PageferryError('USAGE', `cannot read ${file}: ${error.message}`, { cause: error });
  }
}

export function printStream(output: Output, summary: StreamSummary): void {
  const { pages, payloadBytes, bytes, cut } = summary;
  output.line(
    `Migration ${summary.migrationId ?? 'without an id'}, ${summary.strategy ?? 'no strategy said'}`,
  );
  output.line();
  const all = Object.values(payloadBytes).reduce((sum, own) => sum + own, 0);
  const came = Object.entries(pages).filter(([, count]) => count > 0);
  output.line(came.length === 0 ? 'No pages.' : output.colors.bold(row(...HEAD)));
  for (const [content, count] of came) {
    const payload = payloadBytes[content] ?? 0;
    const smaller = (payload / (count * PAGE_BYTES)).toFixed(3);
    const cells = row(content, formatWhole(count), formatBytes(payload), smaller);
    output.line(`${cells}  ${bar(all === 0 ? 0 : payload / all)}`.trimEnd());
  }
  output.line();
  for (const { channel, ...ways } of bytes) {
    output.line(`${channel.padEnd(12)}${formatBytes(ways['to-destination']).padStart(14)} sent`);
  }
  if (cut !== null) output.line(output.colors.red(`Not whole: ${cut}.`));
}

const HEAD = ['content', 'pages', 'payload', 'out ÷ in'] as const;

function row(content: string, ...figures: readonly string[]): string {
  return content.padEnd(12) + figures.map((figure) => figure.padStart(14)).join('');
}

/** Throws USAGE for a page that the guest does not have. */
export async function streamPageSummary(file: string, page: number): Promise<StreamPageSummary> {
  const history = new PageHistory(page);
  const { cut } = await readStream(file, history);
  const { guestPages, finalRound, arrivals, count } = history;
  if (guestPages !== null && page >= guestPages) {
    throw new PageferryError(
      'USAGE',
      `the guest in ${file} has pages 0 to ${guestPages - 1}, not ${page}`,
    );
  }
  return {
    ...{ version: 1, kind: 'stream-page', file, page, guestPages, finalRound },
    ...{ arrivalCount: count, arrivals, cut },
  };
}

export function printStreamPage(output: Output, summary: StreamPageSummary): void {
  const { page, arrivals, arrivalCount, cut } = summary;
  const times = arrivalCount === 1 ? 'once' : `${formatWhole(arrivalCount)} times`;
  const title = `Page ${formatWhole(page)}`;
  output.line(arrivalCount === 0 ? `${title} did not come` : `${title} came ${times}:`);
  if (arrivalCount > 0) output.line();
  for (const arrival of arrivals) {
    const { channel, content } = arrival;
    output.line(
      `${whenOf(arrival, summary).padEnd(24)}${channel.padEnd(9)}${content.padEnd(12)}${sizeOf(arrival)}${baseOf(arrival)}`,
    );
  }
  if (arrivalCount > arrivals.length) {
    output.line(`and ${formatWhole(arrivalCount - arrivals.length)} times more`);
  }
  if (cut !== null) output.line(output.colors.red(`Not whole: ${cut}.`));
}

/** Records of a page channel after the final round push pages to a guest that runs already. */
function whenOf({ round }: PageArrival, { finalRound }: StreamPageSummary): string {
  if (round === null) return 'asked for';
  if (finalRound === null || round < finalRound) return `round ${round}`;
  return round === finalRound ? `round ${round}, the final one` : 'pushed';
}

function sizeOf({ content, entryPages, payloadBytes }: PageArrival): string {
  if (content === 'missing') return 'announced: to come later';
  const bytes = `${formatWhole(payloadBytes)} bytes`;
  return entryPages === 1 ? bytes : `${bytes} for ${formatWhole(entryPages)} pages`;
}

function baseOf({ base }: PageArrival): string {
  if (base === null) return '';
  const before = base.round === null ? 'when it was asked for' : `in round ${base.round}`;
  return `, of what came ${before} as ${base.content}`;
}
