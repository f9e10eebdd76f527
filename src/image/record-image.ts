/** Writes the memory of a running process to a file: docs/image-format.md. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asPageferryError, errnoOf, nativeCode, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ImageEnd, ImageSummary, ProcessImage } from '../native/processes.js';

export interface ImageOptions {
  readonly pid: number;
  readonly path: string;
  /** The process stands still while a snapshot is taken. */
  readonly stop: boolean;
  /** After the first one. */
  readonly laterSnapshots: number;
  /** From the end of one snapshot to the beginning of the next. */
  readonly everyMs: number;
  /** Ends it early. The file has the snapshots that were whole by then; without one there is no file. */
  readonly signal: AbortSignal;
  onProgress(progress: ImageProgress): void;
}

export interface ImageProgress {
  /** Of the snapshot under way; the first one is 0. */
  readonly snapshot: number;
  /** Pages that were looked at, of those that are resident. */
  readonly pages: number;
  readonly of: number;
  /** In the file, of all snapshots that are whole. */
  readonly storedBytes: number;
}

export interface RecordedImage extends ImageSummary {
  readonly end: ImageEnd;
}

/** How a snapshot ended, when it is not whole. */
type Cut = Exclude<ImageEnd, 'complete'>;

/**
 * On return the file is whole and in its place. Rejects, and leaves no file, when there is no whole snapshot: the
 * process cannot be read or has ended, or `signal` was aborted (CANCELLED); and when the file cannot be written.
 */
export async function recordImage(options: ImageOptions): Promise<RecordedImage> {
  const { pid, path, stop } = options;
  let image: ProcessImage | undefined;
  // A process that is told to exit lets the other one go on, and leaves no file.
  const release = () => image?.release();
  process.once('exit', release);
  try {
    image = await binding.startProcessImage(pid, path, stop);
    const end = await takeSnapshots(image, options);
    return { ...(await image.finish(end)), end };
  } catch (error) {
    throw explained(error, options);
  } finally {
    release();
    process.off('exit', release);
  }
}

async function takeSnapshots(image: ProcessImage, options: ImageOptions): Promise<ImageEnd> {
  const { laterSnapshots, everyMs, signal } = options;
  for (let snapshot = 0; snapshot <= laterSnapshots; snapshot += 1) {
    const cut = await takeSnapshot(image, snapshot, options);
    if (cut !== undefined) return cut;
    if (snapshot === laterSnapshots) break;
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return 'interrupted';
  }
  return 'complete';
}

/** Answers undefined when it is whole. One after the first that is cut counts as not begun. */
async function takeSnapshot(
  image: ProcessImage,
  snapshot: number,
  { pid, signal, onProgress }: ImageOptions,
): Promise<Cut | undefined> {
  try {
    await image.beginSnapshot();
    for (;;) {
      const { complete, ...progress } = await image.step();
      onProgress({ snapshot, ...progress });
      if (complete) return undefined;
      if (signal.aborted) throw new PageferryError('CANCELLED', `the capture of process ${pid}`);
    }
  } catch (error) {
    const cut = cutOf(error);
    if (snapshot === 0 || cut === undefined) throw error;
    image.dropSnapshot();
    return cut;
  }
}

function cutOf(error: unknown): Cut | undefined {
  switch (nativeCode(error)) {
    case 'CANCELLED':
      return 'interrupted';
    case 'PEER_CLOSED':
      return 'process-ended';
    case 'UNSUPPORTED':
      return 'full';
    default:
      return undefined;
  }
}

/** What opening and writing a path that the caller chose may fail with. */
const PATH_ERRORS = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EROFS'];

function explained(error: unknown, { pid, path }: ImageOptions): PageferryError {
  const what = `process ${pid} cannot be captured to ${path}`;
  if (nativeCode(error) === 'CANCELLED') {
    return new PageferryError('CANCELLED', `${what}: interrupted before its memory was whole`);
  }
  if (nativeCode(error) === 'PEER_CLOSED') {
    return new PageferryError('USAGE', `${what}: it ended before its memory was whole`);
  }
  const ours = asPageferryError(error, what);
  if (!PATH_ERRORS.includes(errnoOf(error))) return ours;
  return new PageferryError('USAGE', ours.message, { cause: error });
}
