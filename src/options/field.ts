/**
 * What one option may be: kind, unit, range and default in one place, for the programs that embed Pageferry and for the
 * command line. checkOptions() holds a whole set of options against its table.
 */
import * as v from 'valibot';
import { PageferryError } from '../errors.js';

/** A number with a unit. `default` undefined: the option has to be given, or is worked out elsewhere. */
export interface NumberField<D extends number | undefined = number | undefined> {
  readonly unit: 'ms' | 'bytes' | 'bytes per second' | 'count';
  readonly least: number;
  readonly most: number;
  readonly default: D;
  readonly schema: v.GenericSchema<unknown, number>;
}

export interface ChoiceField<T extends string = string, D extends T | undefined = T | undefined> {
  readonly choices: readonly T[];
  readonly default: D;
  readonly schema: v.GenericSchema<unknown, T>;
}

export interface FlagField {
  readonly default: boolean;
  readonly schema: v.GenericSchema<unknown, boolean>;
}

interface Range<D> {
  readonly unit: NumberField['unit'];
  readonly least: number;
  readonly most: number;
  readonly default: D;
}

/** A whole number from `least` to `most`. */
export function whole<D extends number | undefined>(range: Range<D>): NumberField<D> {
  return { ...range, schema: numberSchema('a whole number', range, Number.isInteger) };
}

/** Any number from `least` to `most`, with a fraction if need be. */
export function fraction<D extends number | undefined>(range: Range<D>): NumberField<D> {
  return { ...range, schema: numberSchema('a number', range, Number.isFinite) };
}

function numberSchema(
  kind: string,
  { unit, least, most }: Omit<Range<unknown>, 'default'>,
  isKind: (value: number) => boolean,
): v.GenericSchema<unknown, number> {
  const what = unit === 'count' ? kind : `${kind} of ${unit === 'ms' ? 'milliseconds' : unit}`;
  const isRight = (value: unknown): value is number =>
    typeof value === 'number' && isKind(value) && value >= least && value <= most;
  return v.custom<number>(isRight, `must be ${what} from ${least} to ${most}`);
}

export function choice<T extends string, D extends T | undefined>(
  choices: readonly T[],
  byDefault: D,
): ChoiceField<T, D> {
  const isOne = (value: unknown): value is T => choices.some((one) => one === value);
  return {
    choices,
    default: byDefault,
    schema: v.custom<T>(isOne, `must be ${listOf(choices)}`),
  };
}

export function flag(byDefault: boolean): FlagField {
  return { default: byDefault, schema: v.boolean('must be true or false') };
}

/** `'a', 'b' or 'c'`. */
function listOf(choices: readonly string[]): string {
  const quoted = choices.map((one) => `'${one}'`);
  return [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter(Boolean).join(' or ');
}

/** Text of 1 to `longest` characters. */
export function text(longest: number): v.GenericSchema<unknown, string> {
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value.length > 0 && value.length <= longest;
  return v.custom<string>(isText, `must be a text of 1 to ${longest} characters`);
}

/** Something to call. */
export function callable<T>(): v.GenericSchema<unknown, T> {
  return v.custom<T>((value) => typeof value === 'function', 'must be a function');
}

/** The options as the schema knows them. Throws USAGE, naming the field and what it may be. */
export function checkOptions<T>(
  whose: string,
  schema: v.GenericSchema<unknown, T>,
  options: unknown,
): T {
  const parsed = v.safeParse(schema, options);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const field = v.getDotPath(issue);
  throw new PageferryError('USAGE', `${whose}: ${explain(field, issue)}`);
}

function explain(field: string | null, issue: v.BaseIssue<unknown>): string {
  if (field === null) return `expected an object, not ${show(issue.input)}`;
  // An object's own complaints are about its keys.
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return `there is no option '${field}'`;
  }
  if (issue.expected === `"${field.split('.').at(-1)}"`) return `the option '${field}' is missing`;
  return `${field} ${issue.message}, not ${show(issue.input)}`;
}

/** Short, and on one line. */
function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
