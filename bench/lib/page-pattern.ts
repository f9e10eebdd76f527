// The bench's own guests are filled with content that can be recomputed, so that they can be compared like the built-in ones.
import { randomInt } from 'node:crypto';
import type { GuestProbe } from '#engine/index.js';

const WORDS = 1024;
const FACTOR = 0x9e3779b1;

/** The first word of a page: no two pages have the same. */
export function firstWordOf(page: number): number {
  return Math.imul(page + 1, FACTOR) >>> 0 || 1;
}

/** Steps of one xorshift generator: they do not compress, and none is zero. */
function next(word: number): number {
  let stepped = word ^ (word << 13);
  stepped ^= stepped >>> 17;
  return (stepped ^ (stepped << 5)) >>> 0;
}

/** Writes a page's content into its words. */
export function fillPage(words: Uint32Array, page: number): void {
  let word = firstWordOf(page);
  for (let i = 0; i < WORDS; i += 1) {
    words[i] = word;
    word = next(word);
  }
}

function holdsItsContent(words: Uint32Array, page: number): boolean {
  let word = firstWordOf(page);
  for (let i = 0; i < WORDS; i += 1) {
    if (words[i] !== word) return false;
    word = next(word);
  }
  return true;
}

/** So many of the numbers below `total`, one of each of as many equal parts; all where there are no more. */
function* sampleOf(count: number, total: number): Generator<number> {
  const parts = Math.min(count, total);
  for (let part = 0; part < parts; part += 1) {
    const first = Math.floor((part * total) / parts);
    yield randomInt(first, Math.max(first + 1, Math.floor(((part + 1) * total) / parts)));
  }
}

/** The pages of a guest that were filled: how many, which is the i-th, and its words. */
export interface FilledPages {
  readonly count: number;
  pageAt(i: number): number;
  wordsOf(page: number): Uint32Array;
}

/** What a guest that sets no marks tells of itself: whether its pages are what they were filled with. */
export function patternProbe(workload: string, filled: FilledPages): GuestProbe {
  return {
    workload,
    startGapWatch() {},
    setTimeAway() {},
    observe: () => ({ operations: 0, longestGapMs: 0 }),
    async verify(pages = filled.count) {
      let pagesCompared = 0;
      const different: number[] = [];
      for (const i of sampleOf(pages, filled.count)) {
        const page = filled.pageAt(i);
        pagesCompared += 1;
        if (!holdsItsContent(filled.wordsOf(page), page)) different.push(page);
      }
      const firstDifferentPage = different[0] ?? null;
      return {
        pagesCompared,
        pagesDifferent: different.length,
        firstDifferentPage,
        failedReads: 0,
      };
    },
  };
}
