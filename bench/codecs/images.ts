// The images that guests of `bench codecs` are made of.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { memoryForImage } from '#engine/index.js';
import { binding } from '#engine/native/binding.js';
import { errorOf, UsageError } from '../lib/errors.js';

export interface CodecImage {
  readonly name: string;
  readonly path: string;
  /** Of a guest that begins with all of it. */
  readonly memoryBytes: number;
  /** There are later snapshots to go through. */
  readonly changes: boolean;
}

const ENDING = '.image';

/** Throws UsageError for a file that is no image. */
export async function imageAt(path: string, name: string): Promise<CodecImage> {
  try {
    const { snapshots } = await binding.describeImage(path);
    const changes = snapshots > 1;
    const memoryBytes = await memoryForImage(path, changes ? { kind: 'snapshots' } : 'idle');
    return { name, path, memoryBytes, changes };
  } catch (error) {
    throw new UsageError(`cannot use the image ${path}: ${errorOf(error).message}`);
  }
}

/** Those of a folder, by name. Throws UsageError where there is none. */
export async function imagesIn(folder: string): Promise<CodecImage[]> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  } catch (error) {
    throw new UsageError(`cannot read the images of ${folder}: ${errorOf(error).message}`);
  }
  if (names.length === 0) {
    throw new UsageError(
      `${folder} holds no file *${ENDING}: pageferry bench corpus or pageferry capture makes them`,
    );
  }
  return await Promise.all(
    names
      .sort()
      .map((name) => imageAt(join(folder, name), name.slice(0, -ENDING.length).toLowerCase())),
  );
}
