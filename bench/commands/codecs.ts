// `pageferry bench codecs`: every policy of compression on the memory of real programs, over several links.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CodecImage, imagesIn } from '../codecs/images.js';
import { openableLinks } from '../codecs/links.js';
import { CODECS_SUITE } from '../codecs/names.js';
import type { Policy } from '../codecs/policies.js';
import { makeQuickImages } from '../codecs/quick-images.js';
import { describeEnvironment } from '../lib/environment.js';
import { UsageError } from '../lib/errors.js';
import { abortOnInterrupt } from '../lib/interrupts.js';
import { LOOPBACK } from '../links/wanted-link.js';
import type { ResultHead } from '../result/builder.js';
import { codecMigrationsScenario } from '../scenarios/codec-migrations.js';
import { measureInto, type Places, present, resultFile } from './measured.js';

export interface CodecsOptions extends Places {
  /** The folder of the images. */
  readonly images?: string;
  readonly policies: readonly Policy[];
  /** Names of links. */
  readonly links: readonly string[];
  readonly repeat: number;
  /** Images are made on the spot. */
  readonly quick?: boolean;
}

function commandOf({ images, policies, links, repeat }: CodecsOptions): string {
  return [
    'npx pageferry bench codecs',
    ...(images === undefined ? ['--quick'] : ['--images', images]),
    '--policies',
    policies.map(({ name }) => name).join(','),
    '--links',
    links.join(','),
    '--repeat',
    `${repeat}`,
  ].join(' ');
}

/** Answers whether everything was measured. Throws what ended the run before its end. */
export async function codecsCommand(options: CodecsOptions): Promise<boolean> {
  const { images: folder, quick = false } = options;
  if (quick === (folder !== undefined)) {
    throw new UsageError(
      'give either --images DIR, such as pageferry bench corpus makes, or --quick',
    );
  }
  const signal = abortOnInterrupt();
  if (folder !== undefined) return await compare(await imagesIn(folder), options, signal);
  const made = mkdtempSync(join(tmpdir(), 'pageferry-bench-images-'));
  const remove = () => rmSync(made, { recursive: true, force: true });
  // A second Ctrl-C ends this process at once.
  process.once('exit', remove);
  try {
    process.stderr.write('bench: capturing a Node.js and a Python heap\n');
    const images = await makeQuickImages(made, signal, (program) => {
      process.stderr.write(`bench: without ${program} there is no image of it\n`);
    });
    return await compare(images, options, signal);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function compare(
  images: readonly CodecImage[],
  options: CodecsOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { policies, repeat } = options;
  const scenarios = openableLinks(options.links).flatMap((link) =>
    images.map((image) => codecMigrationsScenario(image, link, policies)),
  );
  // Without a plan: it cannot be resumed, because the images may be others by then.
  const head: ResultHead = {
    version: 2,
    suite: CODECS_SUITE,
    command: commandOf(options),
    startedAt: new Date().toISOString(),
    finishedAt: null,
    repetitions: repeat,
    environment: await describeEnvironment(),
    methods: scenarios.map(({ name, how }) => ({ name, how })),
  };
  const file = resultFile(options, CODECS_SUITE, head.startedAt);
  const toMeasure = { head, scenarios, link: LOOPBACK, previous: undefined };
  return await present(await measureInto(file, toMeasure, signal), options);
}
