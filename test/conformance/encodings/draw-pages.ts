/** Contents of pages for the tests of decoders. */
import { PAGE_BYTES } from '../../../src/conformance/encodings/decoding.js';
import { type Random, seededRandom } from '../../support/random.js';

type Stretch = (pages: Buffer, at: number, length: number, random: Random) => void;

const run: Stretch = (pages, at, length, { whole }) => pages.fill(whole(0, 255), at, at + length);

/** What stands somewhere before, which it may overlap. */
const repetition: Stretch = (pages, at, length, { whole }) => {
  const from = whole(0, Math.max(0, at - 1));
  for (let i = 0; i < length; i += 1) pages[at + i] = pages[from + i] as number;
};

const noise: Stretch = (pages, at, length, { whole }) => {
  for (let i = 0; i < length; i += 1) pages[at + i] = whole(0, 255);
};

/** Letters, of which the first are the most frequent. */
const letters: Stretch = (pages, at, length, { whole }) => {
  for (let i = 0; i < length; i += 1) pages[at + i] = 97 + Math.min(whole(0, 25), whole(0, 25));
};

/** Stretches of the given kinds, short and long: what makes every kind of sequence. */
export function drawPages(seed: number, pages = 1, kinds = 'run repetition noise letters'): Buffer {
  const random = seededRandom(seed);
  const choices = Object.entries({ run, repetition, noise, letters })
    .filter(([name]) => kinds.includes(name))
    .map(([, stretch]) => stretch);
  const drawn = Buffer.alloc(pages * PAGE_BYTES);
  for (let at = 0; at < drawn.byteLength; ) {
    const most = random.whole(0, 3) === 0 ? 700 : 30;
    const length = Math.min(drawn.byteLength - at, random.whole(1, most));
    random.pick(choices)(drawn, at, length, random);
    at += length;
  }
  return drawn;
}

/** The same pages with some bytes changed. */
export function changedSince(bases: Buffer, seed: number, changes: number): Buffer {
  const { whole } = seededRandom(seed);
  const pages = Buffer.from(bases);
  for (let i = 0; i < changes; i += 1) pages[whole(0, pages.byteLength - 1)] = whole(0, 255);
  return pages;
}
