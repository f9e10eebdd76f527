// `pageferry bench export RESULT.json`: the samples and the plots in formats that others read.
import { basename, dirname, join } from 'node:path';
import { toCsv } from '../export/csv.js';
import { COLUMN_NAMES, type Sample, samplesOf } from '../export/samples.js';
import { UsageError } from '../lib/errors.js';
import {
  howToInstall,
  loadIfInstalled,
  PARQUET_PACKAGES,
  PLOT_PACKAGES,
} from '../lib/optional-packages.js';
import { readResult, writeWhole } from '../result/file.js';
import type { Result } from '../result/schema.js';

const FORMATS = ['csv', 'json', 'parquet', 'svg'] as const;
type Format = (typeof FORMATS)[number];

export type ExportOptions = Readonly<Partial<Record<Format, boolean>>> & {
  /** The folder; beside the result unless told. */
  readonly out?: string;
};

interface Written {
  readonly name: string;
  readonly content: string | Uint8Array;
}

function toJsonRows(samples: readonly Sample[]): string {
  const rows = samples.map((sample) =>
    JSON.stringify(Object.fromEntries(COLUMN_NAMES.map((name) => [name, sample[name]]))),
  );
  return `[\n${rows.join(',\n')}\n]\n`;
}

/** What needs packages that may not be installed is loaded for those alone who ask for it. */
const WRITERS: Readonly<Record<Format, (result: Result) => Promise<Written[]>>> = {
  csv: async (result) => [{ name: 'samples.csv', content: toCsv(samplesOf(result)) }],
  json: async (result) => [{ name: 'samples.json', content: toJsonRows(samplesOf(result)) }],
  async parquet(result) {
    const writer = await loadIfInstalled(() => import('../export/parquet.js'));
    if (writer === undefined) throw new Error(howToInstall(PARQUET_PACKAGES));
    return [{ name: 'samples.parquet', content: writer.toParquet(samplesOf(result)) }];
  },
  async svg(result) {
    const drawer = await loadIfInstalled(() => import('../export/svg.js'));
    if (drawer === undefined) throw new Error(howToInstall(PLOT_PACKAGES));
    return drawer.toSvgs(result).map(({ name, text }) => ({ name, content: text }));
  },
};

export async function exportCommand(
  file: string,
  { out = dirname(file), ...options }: ExportOptions,
): Promise<void> {
  const wanted = FORMATS.filter((format) => options[format]);
  if (wanted.length === 0) {
    const names = FORMATS.map((format) => `--${format}`).join(', ');
    throw new UsageError(`export as what? Say one or more of ${names}`);
  }
  const result = readResult(file);
  const stem = basename(file, '.json');
  for (const format of wanted) {
    const written = await WRITERS[format](result);
    if (written.length === 0) process.stderr.write(`bench: ${file} has no data for a plot\n`);
    for (const { name, content } of written) {
      const path = join(out, `${stem}.${name}`);
      writeWhole(path, content);
      process.stdout.write(`${path}\n`);
    }
  }
}
