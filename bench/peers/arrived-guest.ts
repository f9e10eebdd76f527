// Whether a guest of QEMU's with a tape has arrived whole: every page of its image, and what it found itself.
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Compared } from '../lib/verification.js';
import { type Commanded, countedBy } from './guest-counters.js';
import type { ImageSteps, Step } from './image-steps.js';
import { RESERVED_BYTES } from './rom.js';
import type { Tape } from './tape.js';

const PAGE_BYTES = 4096;
const WORD_BYTES = 8;

/** What each page must hold after so many operations, and the next operation, which may be half done. */
export function expectedAfter(
  { first, steps }: ImageSteps,
  operations: number,
): { readonly contents: Uint32Array; readonly next: Step | undefined } {
  const contents = first.slice();
  const done = steps.length === 0 ? 0 : operations % steps.length;
  for (const { page, after } of steps.slice(0, done)) contents[page] = after;
  return { contents, next: steps[done] };
}

/** Whether each word is that of one or the other. */
function isBetween(page: Buffer, before: Buffer, after: Buffer): boolean {
  for (let at = 0; at < PAGE_BYTES; at += WORD_BYTES) {
    const word = page.subarray(at, at + WORD_BYTES);
    const isOne = [before, after].some((one) => word.equals(one.subarray(at, at + WORD_BYTES)));
    if (!isOne) return false;
  }
  return true;
}

/** Reads page after page of a file. */
class Pages {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  at(offset: number): Buffer {
    const page = Buffer.alloc(PAGE_BYTES);
    readSync(this.#file, page, 0, PAGE_BYTES, offset);
    return page;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function differentPages(memory: Pages, tape: Pages, of: Tape, operations: number): number[] {
  const { contents, next } = expectedAfter(of.steps, operations);
  const content = (number: number) => tape.at(of.contentAt(number));
  return [...contents.keys()].filter((page) => {
    const held = memory.at(PAGE_BYTES * page);
    if (held.equals(content(contents[page] ?? 0))) return false;
    return !(next?.page === page && isBetween(held, content(next.before), content(next.after)));
  });
}

/** Stops the guest. Throws where a page is not what it must be. Its memory is written to a file in `dir` meanwhile. */
export async function compareArrived(
  destination: Commanded,
  tape: Tape,
  dir: string,
): Promise<Compared> {
  await destination.execute('stop');
  const { operations, failures } = await countedBy(destination);
  const { pages } = tape.steps;
  const saved = join(dir, 'arrived');
  const size = PAGE_BYTES * pages;
  await destination.execute('pmemsave', { val: RESERVED_BYTES, size, filename: saved });
  const memory = new Pages(saved);
  const contents = new Pages(tape.path);
  try {
    const different = differentPages(memory, contents, tape, operations);
    if (different.length > 0 || failures > 0) {
      throw new Error(
        `QEMU'S GUEST THAT ARRIVED IS WRONG: ${different.length} of ${pages} pages differ from what the guest wrote, the first is page ${different[0] ?? 'none'}; ${failures} of its own operations found a wrong page`,
      );
    }
    return { pages, pagesCompared: pages };
  } finally {
    memory.close();
    contents.close();
    rmSync(saved);
  }
}
