// What a program of the corpus is: it is started with data that follow from the seed, and changes them until it is ended.
import { readFileSync } from 'node:fs';
import type { Place, RunsAs } from './place.js';

export const MIB = 2 ** 20;

export interface CorpusSize {
  /** Of memory that is resident, as far as that can be known before. */
  readonly bytes: number;
  readonly seed: number;
}

export interface CorpusProgram {
  readonly name: string;
  readonly title: string;
  /** Throws Unavailable, before anything is started. */
  find(): Readonly<Record<string, string>>;
  /** The user that it runs as, where it must not be this one. */
  as?(): RunsAs;
  /** On return it has its data and changes them; answers whose memory it is. */
  start(
    place: Place,
    programs: Readonly<Record<string, string>>,
    size: CorpusSize,
  ): Promise<number>;
}

/** What a record takes in each of them, in bytes, measured; and what the program has without any. */
export interface Cost {
  readonly each: number;
  readonly base: number;
}

export function recordsFor({ bytes }: CorpusSize, { each, base }: Cost): number {
  return Math.max(1000, Math.floor((bytes - base) / each));
}

export function pidOf(child: { readonly pid?: number | undefined }): number {
  if (child.pid === undefined) throw new Error('it could not be started');
  return child.pid;
}

export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? 0) * 1024;
}
