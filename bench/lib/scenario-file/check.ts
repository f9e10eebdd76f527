// Holds each case of a scenario file against the schema, and all of them against each other.
import { UsageError } from '../errors.js';
import { validate } from '../validate.js';
import { type Case, casesOf, countCases, type Entry, emptyField } from './cases.js';
import { type Migration, migration } from './schema.js';

/** More are refused: with --full it may be days, and beyond what it allows nobody reads the report. */
const MOST_CASES = { usual: 500, full: 20_000 };

/** A case that was checked; `where` is the migration's place in the file. */
export interface CheckedCase {
  readonly where: number;
  readonly migration: Migration;
}

function checkCounts(file: string, all: readonly Entry[], full: boolean): void {
  for (const [where, entry] of all.entries()) {
    const field = emptyField(entry);
    if (field === undefined) continue;
    throw new UsageError(`${file}: field '${where}.${field}': expected at least one value`);
  }
  const count = all.reduce((sum, entry) => sum + countCases(entry), 0);
  const most = full ? MOST_CASES.full : MOST_CASES.usual;
  if (count <= most) return;
  const remedy = full ? 'leave values out' : 'leave values out, or say --full';
  throw new UsageError(`${file}: these are ${count} cases, more than ${most}: ${remedy}`);
}

function check(file: string, where: number, { fields, positions, suffix }: Case): CheckedCase {
  const of = suffix === '' ? '' : ` (case ${suffix.slice(1)})`;
  const checked = validate(migration, fields, file, (path) => {
    const position = positions.get(path ?? '');
    const place = [where, path, position].filter((part) => part !== undefined && part !== null);
    return { path: place.join('.'), of };
  });
  return { where, migration: { ...checked, name: `${checked.name}${suffix}` } };
}

function checkNames(file: string, cases: readonly CheckedCase[]): void {
  const known = new Set<string>();
  for (const {
    where,
    migration: { name },
  } of cases) {
    if (known.has(name)) {
      throw new UsageError(
        `${file}: field '${where}': expected another name: one before has this (${name})`,
      );
    }
    known.add(name);
  }
}

/** The cases of all migrations. Throws UsageError: which field, and why. */
export function checkCases(file: string, all: readonly Entry[], full: boolean): CheckedCase[] {
  checkCounts(file, all, full);
  const cases = all.flatMap((entry, where) => casesOf(entry).map((one) => check(file, where, one)));
  checkNames(file, cases);
  return cases;
}
