/** What `pageferry inspect` says of an image as a whole. */
import {
  ENCODINGS,
  ENCODINGS_OF_CHANGES,
  type EncodingFigures,
  type InspectedImage,
  type InspectedPages,
  type TriedEncoding,
} from '../image/inspect-image.js';
import type { PageContent } from '../native/inspection.js';
import { formatBytes, formatDuration, formatWhole, PAGE_BYTES } from '../units.js';
import type { Output } from './output.js';
import { bar, scatter } from './plot.js';

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

export const CONTENTS: Readonly<Record<PageContent, string>> = {
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
export async function imageSummary(
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
      printFigures(output, markOf(figures.length), one);
      figures.push(one);
    }
    printPlot(output, figures);
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
      `${text.padEnd(34)}${formatWhole(own).padStart(12)} pages ${share(own, pages).padStart(8)}  ${bar(own / pages)}`.trimEnd(),
    );
  }
}

const COLUMNS = ['', 'encoding', 'pages a block', 'out ÷ in', 'as they are', 'encode', 'decode'];
const WIDTHS = [3, 12, 14, 10, 13, 13, 13];

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 2 ? cell.padEnd(WIDTHS[i] ?? 0) : cell.padStart(WIDTHS[i] ?? 0)))
    .join('');
}

function printHead(output: Output, { pages }: EncodingFigures, changes: boolean): void {
  const which = changes ? 'that later snapshots change' : 'of the first snapshot';
  output.line();
  output.line(`Tried on ${formatWhole(pages)} pages ${which}:`);
  output.line(output.colors.bold(line(COLUMNS)));
}

export function nameOf({ encoding, level }: Pick<TriedEncoding, 'encoding' | 'level'>): string {
  return encoding === 'zstd' ? `zstd:${level}` : encoding;
}

/** What stands for the i-th encoding in the plot. */
function markOf(i: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + i);
}

function printFigures(output: Output, mark: string, figures: EncodingFigures): void {
  const { blockPages, pages, bytesIn, bytesOut, pagesRaw } = figures;
  const { encodeNsPerPage, decodeNsPerPage } = figures;
  output.line(
    line([
      mark,
      nameOf(figures),
      `${blockPages}`,
      (bytesOut / bytesIn).toFixed(3),
      share(pagesRaw, pages),
      `${formatWhole(encodeNsPerPage)} ns`,
      decodeNsPerPage === null ? '–' : `${formatWhole(decodeNsPerPage)} ns`,
    ]),
  );
}

/** Up what is left of the bytes, to the right what that costs. */
function printPlot(output: Output, figures: readonly EncodingFigures[]): void {
  if (figures.length === 0) return;
  const points = figures.map(({ bytesIn, bytesOut, encodeNsPerPage }, i) => ({
    mark: markOf(i),
    x: Math.max(1, encodeNsPerPage),
    y: bytesOut / bytesIn,
  }));
  output.line();
  output.line(output.colors.bold('out ÷ in, by the time that a core takes to encode a page'));
  const axes = {
    x: (ns: number) => (ns < 1000 ? `${ns} ns` : formatDuration(ns / 1e6)),
    y: (share: number) => share.toFixed(2),
  };
  for (const text of scatter(points, axes)) output.line(text);
}
