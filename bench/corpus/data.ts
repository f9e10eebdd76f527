// What the programs of the corpus have in memory: records with names, numbers, dates and text. They follow from the seed
// and from this package's documents, whose words they are made of.

import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/places.js';

export interface PersonRecord {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  /** `YYYY-MM-DD`. */
  readonly born: string;
  readonly balance: number;
  readonly tags: readonly string[];
  readonly about: string;
}

const TEXT_BYTES = 220;
/** Words that follow each other in a document and here. */
const MOST_IN_A_ROW = 8;
const DAY_MS = 86_400_000;
/** 1970 to 2010. */
const DAYS = 14_610;

function wordsOfDocuments(): readonly string[] {
  const folder = join(root, 'docs');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort();
  const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join(' ');
  return text.match(/[A-Za-z][A-Za-z'-]+[.,]?/g) ?? [];
}

/** Each call answers what follows from the seed and from the calls before. */
export class SeededData {
  readonly #words = wordsOfDocuments();
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `end` - 1; `end` is at most 2^32. */
  below(end: number): number {
    // A Weyl sequence of 32 bits, mixed by multiplications and shifts.
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * end);
  }

  word(): string {
    return (this.#words[this.below(this.#words.length)] ?? '').replace(/[.,]$/, '');
  }

  /** Runs of words as they follow each other in the documents; at least so many bytes. */
  text(bytes: number): string {
    let text = '';
    while (text.length < bytes) {
      const first = this.below(this.#words.length);
      const row = this.#words.slice(first, first + 1 + this.below(MOST_IN_A_ROW));
      text += `${text === '' ? '' : ' '}${row.join(' ')}`;
    }
    return text;
  }

  record(id: number): PersonRecord {
    const name = `${this.word()} ${this.word()}`;
    return {
      id,
      name,
      email: `${name.replace(' ', '.').toLowerCase()}${this.below(1000)}@example.org`,
      born: new Date(this.below(DAYS) * DAY_MS).toISOString().slice(0, 10),
      balance: this.below(10_000_000) / 100,
      tags: Array.from({ length: 1 + this.below(4) }, () => this.word().toLowerCase()),
      about: this.text(TEXT_BYTES),
    };
  }
}

/** One record a line, as JSON. */
export async function writeRecords(path: string, count: number, seed: number): Promise<void> {
  const data = new SeededData(seed);
  const file = createWriteStream(path);
  for (let id = 0; id < count; id += 1) {
    if (!file.write(`${JSON.stringify(data.record(id))}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
