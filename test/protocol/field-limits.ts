/** Messages in which one field is at a limit of its schema, or one past it. */
import type * as v from 'valibot';
import { MAX_TEXT } from '../../src/protocol/messages.js';
import { filled, type Message, type Part } from '../fuzz/schema-values.js';

/** What it is about, and the message. */
export type Labelled = readonly [what: string, message: Message];

export interface FieldLimit {
  /** As `offers.contents.0`. */
  readonly field: string;
  readonly at: readonly Labelled[];
  readonly past: readonly Labelled[];
}

interface Values {
  readonly at: readonly unknown[];
  readonly past: readonly unknown[];
}

/** Every field of the message, those within lists and maps too. */
export function limitsOf(schema: v.GenericSchema): readonly FieldLimit[] {
  return inFields(schema as unknown as Part, '', (message) => message as Message);
}

/** `within`: the message with that value in this place. */
function inFields(
  part: Part,
  field: string,
  within: (value: unknown) => Message,
): readonly FieldLimit[] {
  const { at, past } = valuesOf(part);
  const label = (value: unknown): Labelled => [show(value), within(value)];
  const own = { field, at: at.map(label), past: past.map(label) };
  const inner = (name: string) => (field === '' ? name : `${field}.${name}`);
  switch (part.type) {
    case 'object': {
      const whole = plain(part) as Readonly<Record<string, unknown>>;
      return Object.entries(part.entries ?? {})
        .filter(([name]) => name !== 'type')
        .flatMap(([name, of]) =>
          inFields(of, inner(name), (value) => within({ ...whole, [name]: value })),
        );
    }
    case 'array':
      return [own, ...inFields(part.item as Part, inner('0'), (value) => within([value]))];
    case 'nullable':
    case 'optional': {
      const without: FieldLimit = { field, at: [label(nothing(part))], past: [] };
      return [without, ...inFields(part.wrapped as Part, field, within)];
    }
    default:
      return [own];
  }
}

function nothing({ type }: Part): null | undefined {
  return type === 'nullable' ? null : undefined;
}

function requirement<T extends number | bigint>(part: Part, action: string): T | undefined {
  for (const { type, requirement: of, ...inner } of part.pipe?.toReversed() ?? []) {
    if (type === action) return of as T;
    const found = inner.pipe === part.pipe ? undefined : requirement<T>({ type, ...inner }, action);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isWhole(part: Part): boolean {
  return (part.pipe ?? []).some(
    (one) => one.type === 'safe_integer' || (one.pipe !== part.pipe && isWhole(one)),
  );
}

/** The plainest value that the schema takes. */
function plain(part: Part): unknown {
  switch (part.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(part.entries ?? {}).map(([name, of]) => [name, plain(of)]),
      );
    case 'array':
      return Array.from({ length: requirement<number>(part, 'min_length') ?? 0 }, () =>
        plain(part.item as Part),
      );
    case 'nullable':
    case 'optional':
      return plain(part.wrapped as Part);
    default:
      return valuesOf(part).at[0];
  }
}

function valuesOf(part: Part): Values {
  switch (part.type) {
    case 'literal':
      return { at: [part.literal], past: [] };
    case 'picklist':
      return { at: part.options ?? [], past: ['none of these', ''] };
    case 'boolean':
      return { at: [false, true], past: [] };
    case 'number':
      return isWhole(part) ? wholeNumbers(part) : fractions(part);
    case 'bigint':
      return bigints(part);
    case 'string':
      // A longer one is taken, and cut: it has no more than one kind of limit.
      return { at: ['', 'x'.repeat(MAX_TEXT), 'x'.repeat(MAX_TEXT + 1)], past: [] };
    case 'custom':
      return byteLengths(part);
    case 'array':
      return listLengths(part);
    case 'union':
      return (part.options as readonly Part[]).map(valuesOf).reduce(joined);
    case 'object':
    case 'nullable':
    case 'optional':
      return { at: [], past: [] };
    default:
      throw new Error(`no limits for a schema of type ${part.type}: add them here`);
  }
}

function joined(left: Values, right: Values): Values {
  return { at: [...left.at, ...right.at], past: [...left.past, ...right.past] };
}

function wholeNumbers(part: Part): Values {
  const least = requirement<number>(part, 'min_value') ?? Number.MIN_SAFE_INTEGER;
  const most = requirement<number>(part, 'max_value') ?? Number.MAX_SAFE_INTEGER;
  return { at: [least, most], past: [least - 1, most + 1, least + 0.5] };
}

function fractions(part: Part): Values {
  const least = requirement<number>(part, 'min_value') ?? -Number.MAX_VALUE;
  const most = requirement<number>(part, 'max_value') ?? Number.MAX_VALUE;
  const beyond = most === Number.MAX_VALUE ? Number.POSITIVE_INFINITY : most * (1 + Number.EPSILON);
  return { at: [least, most], past: [least - Number.MIN_VALUE, beyond, Number.NaN] };
}

function bigints(part: Part): Values {
  const [least, most] = ['min_value', 'max_value'].map((name) => requirement<bigint>(part, name));
  if (least === undefined || most === undefined) throw new Error('a bigint without limits');
  return { at: [least, most], past: [least - 1n, most + 1n] };
}

function byteLengths(part: Part): Values {
  const exact = requirement<number>(part, 'length');
  if (exact !== undefined) {
    return { at: [filled(exact)], past: [filled(exact - 1), filled(exact + 1)] };
  }
  const most = requirement<number>(part, 'max_length');
  // What has no limit of its own is bounded by the length of a message.
  if (most === undefined) return { at: [filled(0)], past: [] };
  return { at: [filled(0), filled(most)], past: [filled(most + 1)] };
}

function listLengths(part: Part): Values {
  const of = (length: number) => Array.from({ length }, () => plain(part.item as Part));
  const least = requirement<number>(part, 'min_length') ?? 0;
  const most = requirement<number>(part, 'max_length');
  if (most === undefined) throw new Error('a list without a limit');
  return { at: [of(least), of(most)], past: [...(least > 0 ? [of(least - 1)] : []), of(most + 1)] };
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (typeof value === 'string') return `a text of ${value.length}`;
  return String(value);
}
