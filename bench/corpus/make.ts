// Makes one image of the corpus: starts the program, captures it, and ends it.
import { join } from 'node:path';
import { type RecordedImage, recordImage } from '#engine/image/record-image.js';
import { Place, Unavailable } from './place.js';
import type { CorpusProgram, CorpusSize } from './program.js';

export interface CorpusOptions extends CorpusSize {
  readonly folder: string;
  readonly laterSnapshots: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

export type CorpusImage =
  | { readonly name: string; readonly file: string; readonly image: RecordedImage }
  | { readonly name: string; readonly skipped: string };

/** Rejects when the program is there and could not be captured, and with the signal's reason when that aborts. */
export async function makeImage(
  program: CorpusProgram,
  options: CorpusOptions,
): Promise<CorpusImage> {
  const { folder, laterSnapshots, everyMs, signal } = options;
  const { name } = program;
  signal.throwIfAborted();
  const found = availability(program);
  if (typeof found === 'string') return { name, skipped: found };
  const place = new Place(signal, found.as);
  try {
    const pid = await program.start(place, found.programs, options);
    const file = join(folder, `${name}.image`);
    const image = await recordImage({
      pid,
      path: file,
      stop: true,
      laterSnapshots,
      everyMs,
      signal,
      onProgress: () => {},
    });
    signal.throwIfAborted();
    if (image.end !== 'complete') throw new Error(`the capture ended early: ${image.end}`);
    return { name, file, image };
  } finally {
    await place.end();
  }
}

/** The reason, where it cannot run here. */
function availability(program: CorpusProgram) {
  try {
    return { programs: program.find(), as: program.as?.() ?? {} };
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
