// The file that tells a guest of QEMU's what to do (replay.s). Both QEMUs of a migration map it beside the guest's memory, so
// it is not migrated: the contents of later snapshots must not lie in the memory before the guest writes them.
import { closeSync, copyFileSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runNative } from '../lib/native.js';
import { type ImageSteps, readImageSteps } from './image-steps.js';
import { CHUNK_BYTES, type QemuGuest, RESERVED_BYTES } from './rom.js';

const PAGE_BYTES = 4096;
const STEP_BYTES = 24;
const FIRST_BYTES = 4;
const NS_PER_SECOND = 1e9;
/** As in native/workload/trace_pacer.cc. */
const MOST_LAG_NS = 10e6;
const LEAST_WAIT_NS = 200e3;
/** A guest that is migrated while it sleeps may have to wait as long again. */
const MOST_WAIT_NS = 10e6;
/** The unit in which the guest is told how long a tick is. */
const TICK_FRACTION = 2 ** 32;

/** An image that a guest of QEMU's begins with and goes through. */
export interface TapedImage {
  readonly path: string;
  readonly steps: ImageSteps;
}

/** A file with all of it, mapped by both QEMUs. */
export interface Tape {
  readonly path: string;
  readonly bytes: number;
  readonly steps: ImageSteps;
  /** Where on it the content with this number is. */
  contentAt(content: number): number;
}

interface Layout {
  /** The number of the content that is zeros. */
  readonly zero: number;
  readonly firstAt: number;
  readonly stepsAt: number;
  readonly stepsEnd: number;
  /** Of the file. */
  readonly bytes: number;
}

/** The image's file up to its tables, its header being the tape's, then zeros, and what the guest does. */
function layoutOf({ pages, contents, steps }: ImageSteps): Layout {
  const zero = 1 + contents;
  const firstAt = PAGE_BYTES * (zero + 1);
  const stepsAt = Math.ceil((firstAt + FIRST_BYTES * pages) / PAGE_BYTES) * PAGE_BYTES;
  const stepsEnd = stepsAt + STEP_BYTES * steps.length;
  return {
    zero,
    firstAt,
    stepsAt,
    stepsEnd,
    bytes: Math.ceil(stepsEnd / CHUNK_BYTES) * CHUNK_BYTES,
  };
}

/** Of an image that the engine has opened, and found to be one. */
export function tapedImage(path: string): TapedImage {
  return { path, steps: readImageSteps(path) };
}

/** With memory for the whole image, in whole chunks: what is beyond it stays zero. */
export function guestOf({ steps }: TapedImage): QemuGuest {
  const imageBytes = Math.ceil((PAGE_BYTES * steps.pages) / CHUNK_BYTES) * CHUNK_BYTES;
  return { memoryBytes: RESERVED_BYTES + imageBytes, tapeBytes: layoutOf(steps).bytes };
}

/** Its order is that of replay.s. */
function headerOf(image: ImageSteps, layout: Layout, ticksPerSecond: number): Buffer {
  const ticks = (ns: number) => (ns * ticksPerSecond) / NS_PER_SECOND;
  const words = [
    image.pages,
    layout.firstAt,
    layout.stepsAt,
    layout.stepsEnd,
    ticks(image.periodNs),
    ticks(MOST_LAG_NS),
    ticks(LEAST_WAIT_NS),
    ticks(MOST_WAIT_NS),
    (NS_PER_SECOND / ticksPerSecond) * TICK_FRACTION,
  ];
  const header = Buffer.alloc(PAGE_BYTES);
  for (const [i, word] of words.entries()) {
    header.writeBigUInt64LE(BigInt(Math.round(word)), 8 * i);
  }
  return header;
}

function firstTable({ first }: ImageSteps, { zero }: Layout): Buffer {
  const table = Buffer.alloc(FIRST_BYTES * first.length);
  for (const [page, content] of first.entries()) {
    table.writeUInt32LE(content || zero, FIRST_BYTES * page);
  }
  return table;
}

function stepTable({ steps }: ImageSteps, { zero }: Layout, ticksPerSecond: number): Buffer {
  const table = Buffer.alloc(STEP_BYTES * steps.length);
  for (const [i, { page, before, after, dueNs }] of steps.entries()) {
    const at = STEP_BYTES * i;
    table.writeBigUInt64LE(BigInt(Math.round((dueNs * ticksPerSecond) / NS_PER_SECOND)), at);
    table.writeUInt32LE(page, at + 8);
    table.writeUInt32LE(before || zero, at + 12);
    table.writeUInt32LE(after || zero, at + 16);
  }
  return table;
}

/**
 * Writes it into `dir`. On return all of it is on the disk, so that none of it is written there while a migration is
 * measured.
 */
export async function makeTape(
  { path: imagePath, steps }: TapedImage,
  dir: string,
  signal: AbortSignal,
): Promise<Tape> {
  const { ticksPerSecond } = await runNative('tick-rate', [], { signal });
  const layout = layoutOf(steps);
  const path = join(dir, 'tape');
  copyFileSync(imagePath, path);
  const file = openSync(path, 'r+');
  try {
    // The image's tables are cut off: what comes after the contents is zero, and then the tape's own.
    ftruncateSync(file, PAGE_BYTES * layout.zero);
    ftruncateSync(file, layout.bytes);
    const write = (part: Buffer, at: number) => writeSync(file, part, 0, part.length, at);
    write(headerOf(steps, layout, ticksPerSecond), 0);
    write(firstTable(steps, layout), layout.firstAt);
    write(stepTable(steps, layout, ticksPerSecond), layout.stepsAt);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return {
    path,
    bytes: layout.bytes,
    steps,
    contentAt: (content) => PAGE_BYTES * (content || layout.zero),
  };
}
