// Two small images made on the spot, so that `bench codecs --quick` needs no other: the heaps of a Node.js and of a
// Python program that change records all the time.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { recordImage } from '#engine/image/record-image.js';
import { root } from '../lib/places.js';
import { type CodecImage, imageAt } from './images.js';

const WORDS = join(root, 'docs', 'protocol.md');
const LATER_SNAPSHOTS = 4;
const EVERY_MS = 250;

interface Heap {
  readonly name: string;
  readonly program: string;
  readonly script: string;
  readonly records: number;
}

const HEAPS: readonly Heap[] = [
  { name: 'node', program: process.execPath, script: 'heap.mjs', records: 20_000 },
  { name: 'python', program: 'python3', script: 'heap.py', records: 30_000 },
];

/** Rejects with the signal's reason when that aborts. `missing` is told which program is not there. */
export async function makeQuickImages(
  folder: string,
  signal: AbortSignal,
  missing: (program: string) => void,
): Promise<CodecImage[]> {
  const images: CodecImage[] = [];
  for (const heap of HEAPS) {
    const image = await imageOf(heap, folder, signal);
    if (image === null) missing(heap.program);
    else images.push(image);
  }
  return images;
}

/** Null where the program is not installed. */
async function imageOf(heap: Heap, folder: string, signal: AbortSignal) {
  const { name, program, script, records } = heap;
  const path = join(folder, `${name}.image`);
  const args = [join(root, 'bench', 'codecs', script), WORDS, `${records}`];
  // It ends when its standard input does, also when the bench is killed.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(child, 'close');
  gone.catch(() => {});
  try {
    if (!(await isReady(child, name, signal))) return null;
    await recordImage({
      pid: child.pid ?? 0,
      path,
      stop: true,
      laterSnapshots: LATER_SNAPSHOTS,
      everyMs: EVERY_MS,
      signal,
      onProgress: () => {},
    });
    signal.throwIfAborted();
    return await imageAt(path, name);
  } finally {
    child.kill('SIGKILL');
    await gone.catch(() => {});
  }
}

/** False where there is no such program. */
async function isReady(
  child: ChildProcessByStdio<Writable, Readable, null>,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  child.stdin.on('error', () => {});
  try {
    await once(child, 'spawn', { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  for await (const line of createInterface({ input: child.stdout, signal })) {
    if (line === 'ready') return true;
  }
  signal.throwIfAborted();
  throw new Error(`the ${name} heap ended before it was ready`);
}
