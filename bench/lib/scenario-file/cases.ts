// Every field of a migration but its name may be a list. The migration then stands for one case for each
// combination of the values.
import { basename } from 'node:path';
import { STRATEGY_NAMES } from '#engine/index.js';

/** A migration as it is written in the file. */
export type Entry = Readonly<Record<string, unknown>>;

export interface Case {
  /** With one value each. */
  readonly fields: Entry;
  /** Of each field that is a list in the file: which of its values this is. */
  readonly positions: ReadonlyMap<string, number>;
  /** What tells it from the other cases of the migration; empty where it is the only one. */
  readonly suffix: string;
}

/** The values of a field, or undefined for one that has a single value. */
function listOf(field: string, value: unknown): readonly unknown[] | undefined {
  if (field === 'name') return undefined;
  if (field === 'strategy' && value === 'all') return STRATEGY_NAMES;
  return Array.isArray(value) ? value : undefined;
}

/** `dirtyRatio` and 0.5 are `dirty-ratio-0.5`; a strategy speaks for itself. */
function wordsFor(field: string, value: unknown): string {
  const words =
    field === 'strategy'
      ? basename(`${value}`).replace(/\.m?js$/, '')
      : `${field.replace(/[A-Z]/g, (letter) => `-${letter}`)}-${value}`;
  return words
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replace(/-$/, '');
}

/** The first field that is a list without a value, if there is one. */
export function emptyField(entry: Entry): string | undefined {
  return Object.keys(entry).find((field) => listOf(field, entry[field])?.length === 0);
}

/** How many cases a migration stands for, without making them. */
export function countCases(entry: Entry): number {
  return Object.entries(entry).reduce(
    (count, [field, value]) => count * (listOf(field, value)?.length ?? 1),
    1,
  );
}

/** The cases of a migration. What comes first in the file changes last. */
export function casesOf(entry: Entry): Case[] {
  const one: Case = { fields: entry, positions: new Map(), suffix: '' };
  return Object.entries(entry).reduce<Case[]>(
    (cases, [field, value]) => {
      const list = listOf(field, value);
      if (list === undefined) return cases;
      return cases.flatMap(({ fields, positions, suffix }) =>
        list.map((each, i) => ({
          fields: { ...fields, [field]: each },
          positions: Array.isArray(value) ? new Map([...positions, [field, i]]) : positions,
          suffix: `${suffix}-${wordsFor(field, each)}`,
        })),
      );
    },
    [one],
  );
}
