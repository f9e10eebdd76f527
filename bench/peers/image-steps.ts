// What a guest of QEMU's does that goes through the snapshots of an image, by docs/image-format.md: the same as the engine's
// (native/workload/snapshots.h).
import { closeSync, openSync, readSync } from 'node:fs';

const PAGE_BYTES = 4096;
const SNAPSHOT_BYTES = 40;
const MAPPING_BYTES = 40;
const ADDRESS_BYTES = 8;
const ENTRY_BYTES = 4;
const BECOMES_ZERO = 0x8000_0000;

/** One page becomes another content. Contents are numbers of pages of the image's file; 0: zeros. */
export interface Step {
  readonly page: number;
  readonly before: number;
  readonly after: number;
  /** Since the period began. */
  readonly dueNs: number;
}

export interface ImageSteps {
  readonly pages: number;
  /** That the file has, its header being page 0. */
  readonly contents: number;
  /** The content of each page at the first snapshot. */
  readonly first: Uint32Array;
  /** Of a whole period: forth through all snapshots, and back. Empty where there are no later ones. */
  readonly steps: readonly Step[];
  readonly periodNs: number;
}

interface Snapshot {
  readonly timeNs: number;
  readonly entries: number;
}

function readAt(file: number, at: number, bytes: number): Buffer {
  const read = Buffer.alloc(bytes);
  if (readSync(file, read, 0, bytes, at) !== bytes) throw new Error('the image has become shorter');
  return read;
}

function whole(buffer: Buffer, at: number): number {
  return Number(buffer.readBigUInt64LE(at));
}

/** Those of each snapshot evenly spread over the time before it. */
function forthThrough(
  [first, ...later]: readonly Snapshot[],
  entries: Buffer,
  contents: Uint32Array,
  firstContent: number,
): Step[] {
  const steps: Step[] = [];
  let entry = first?.entries ?? 0;
  let nextContent = firstContent;
  let startNs = 0;
  for (const { timeNs, entries: count } of later) {
    for (let done = 0; done < count; done += 1) {
      const value = entries.readUInt32LE(ENTRY_BYTES * (entry + done));
      const page = value % BECOMES_ZERO;
      const after = value >= BECOMES_ZERO ? 0 : nextContent++;
      const dueNs = startNs + ((timeNs - startNs) * done) / count;
      steps.push({ page, before: contents[page] ?? 0, after, dueNs });
      contents[page] = after;
    }
    entry += count;
    startNs = timeNs;
  }
  return steps;
}

/** The same pages in the opposite order, each interval as far from the end as it was on the way forth. */
function backThrough(
  [, ...later]: readonly Snapshot[],
  forth: readonly Step[],
  endNs: number,
): Step[] {
  const back: Step[] = [];
  let end = forth.length;
  for (const [index, { timeNs, entries }] of [...later.entries()].reverse()) {
    const lengthNs = timeNs - (later[index - 1]?.timeNs ?? 0);
    for (let done = 0; done < entries; done += 1) {
      const step = forth[end - 1 - done];
      if (step === undefined) throw new Error('the image has fewer entries than its snapshots say');
      const { page, before, after } = step;
      const dueNs = 2 * endNs - timeNs + (lengthNs * done) / entries;
      back.push({ page, before: after, after: before, dueNs });
    }
    end -= entries;
  }
  return back;
}

/** Of an image that the engine has opened, and found to be one. */
export function readImageSteps(path: string): ImageSteps {
  const file = openSync(path, 'r');
  try {
    const header = readAt(file, 0, PAGE_BYTES);
    const [pages, contents] = [whole(header, 16), whole(header, 24)];
    const [snapshotCount, mappings] = [header.readUInt32LE(40), header.readUInt32LE(44)];
    const tables = PAGE_BYTES * (1 + contents);
    const rows = readAt(file, tables, SNAPSHOT_BYTES * snapshotCount);
    const snapshots = Array.from({ length: snapshotCount }, (_, index) => ({
      timeNs: whole(rows, SNAPSHOT_BYTES * index),
      entries: whole(rows, SNAPSHOT_BYTES * index + 16),
    }));
    const entriesAt = tables + rows.length + MAPPING_BYTES * mappings + ADDRESS_BYTES * pages;
    const entries = readAt(file, entriesAt, ENTRY_BYTES * whole(header, 32));

    const first = new Uint32Array(pages);
    let nextContent = 1;
    for (let entry = 0; entry < (snapshots[0]?.entries ?? 0); entry += 1) {
      const value = entries.readUInt32LE(ENTRY_BYTES * entry);
      if (value < BECOMES_ZERO) first[value] = nextContent++;
    }
    const forth = forthThrough(snapshots, entries, first.slice(), nextContent);
    const endNs = snapshots.at(-1)?.timeNs ?? 0;
    const steps = [...forth, ...backThrough(snapshots, forth, endNs)];
    return { pages, contents, first, steps, periodNs: 2 * endNs };
  } finally {
    closeSync(file);
  }
}
