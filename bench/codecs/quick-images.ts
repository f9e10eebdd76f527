// Two small images made on the spot, so that `bench codecs --quick` needs no other: the corpus' heaps of a Node.js and of a
// Python program that change records all the time.
import { makeImage } from '../corpus/make.js';
import { type CorpusProgram, MIB } from '../corpus/program.js';
import { node, python } from '../corpus/programs/heaps.js';
import { type CodecImage, imageAt } from './images.js';

const RHYTHM = { laterSnapshots: 4, everyMs: 250, seed: 1 };

/** Each takes as little memory as tells something: most of Node.js' own is there without any records. */
const HEAPS: readonly { readonly program: CorpusProgram; readonly bytes: number }[] = [
  { program: node, bytes: 84 * MIB },
  { program: python, bytes: 42 * MIB },
];

/** Rejects with the signal's reason when that aborts. `missing` is told which program is not there. */
export async function makeQuickImages(
  folder: string,
  signal: AbortSignal,
  missing: (program: string) => void,
): Promise<CodecImage[]> {
  const images: CodecImage[] = [];
  for (const { program, bytes } of HEAPS) {
    const made = await makeImage(program, { ...RHYTHM, folder, bytes, signal });
    if ('skipped' in made) missing(program.name);
    else images.push(await imageAt(made.file, program.name));
  }
  return images;
}
