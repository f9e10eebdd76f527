// `pageferry bench corpus`: the memory of real programs, in images that guests begin with and go through.
import { mkdirSync } from 'node:fs';
import { cacheFolder } from '#engine/host/cache-folder.js';
import { formatBytes, formatWhole, PAGE_BYTES } from '#engine/units.js';
import { type CorpusImage, makeImage } from '../corpus/make.js';
import { CORPUS_PROGRAMS } from '../corpus/programs/index.js';
import { errorOf, UsageError } from '../lib/errors.js';
import { abortOnInterrupt } from '../lib/interrupts.js';

export interface CorpusCommandOptions {
  /** The folder. */
  readonly out?: string;
  readonly only?: readonly string[];
  /** Bytes. */
  readonly size: number;
  readonly snapshots: number;
  /** Milliseconds. */
  readonly every: number;
  readonly seed: number;
  readonly json?: boolean;
}

type Outcome = CorpusImage | { readonly name: string; readonly failed: string };

/** Answers whether every program that is here was captured. */
export async function corpusCommand(options: CorpusCommandOptions): Promise<boolean> {
  const { out: folder = cacheFolder('corpus'), size: bytes, seed } = options;
  const programs = chosen(options.only);
  mkdirSync(folder, { recursive: true });
  const signal = abortOnInterrupt();
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const outcomes: Outcome[] = [];
  for (const program of programs) {
    say(`${program.name}: ${program.title}`);
    const wanted = { folder, bytes, seed, signal };
    const rhythm = { laterSnapshots: options.snapshots, everyMs: options.every };
    const outcome = await makeImage(program, { ...wanted, ...rhythm }).catch((error: unknown) => {
      signal.throwIfAborted();
      return { name: program.name, failed: errorOf(error).message };
    });
    say(`  ${textOf(outcome)}`);
    outcomes.push(outcome);
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify({ version: 1, images: outcomes }, null, 2)}\n`);
  return outcomes.every((outcome) => !('failed' in outcome));
}

function chosen(only: readonly string[] | undefined) {
  if (only === undefined) return CORPUS_PROGRAMS;
  const names = CORPUS_PROGRAMS.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no program called '${unknown}': expected ${names.join(', ')}`);
  }
  return CORPUS_PROGRAMS.filter(({ name }) => only.includes(name));
}

function textOf(outcome: Outcome): string {
  if ('skipped' in outcome) return `skipped: ${outcome.skipped}`;
  if ('failed' in outcome) return `failed: ${outcome.failed}`;
  const { file, image } = outcome;
  const changed = image.snapshots.slice(1).map(({ entries }) => formatWhole(entries));
  return `${formatBytes(image.pages * PAGE_BYTES)} of memory, pages changed: ${changed.join(', ') || 'none captured'}: ${file}, ${formatBytes(image.fileBytes)}`;
}
