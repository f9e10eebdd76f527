/**
 * Values for a schema of a message: right ones, and some at its limits and one past. They are read off the schema that
 * the protocol itself checks with, so that a field which is added is made up here too.
 */
import fc from 'fast-check';
import * as v from 'valibot';
import { MAX_DESCRIPTION_BYTES, MAX_TEXT } from '../../src/protocol/messages.js';
import { MIGRATION_ID_BYTES } from '../../src/protocol/migration-id.js';

/** What is looked at of a schema, or of a step of its pipe. */
export interface Part {
  readonly type: string;
  readonly pipe?: readonly Part[];
  readonly entries?: Readonly<Record<string, Part>>;
  readonly item?: Part;
  readonly options?: readonly unknown[];
  readonly wrapped?: Part;
  readonly literal?: unknown;
  readonly requirement?: unknown;
}

/** Bytes that a field may have, and one more. */
const LENGTHS = [0, 1, MIGRATION_ID_BYTES, MIGRATION_ID_BYTES + 1, 1000];
const LONG_LENGTHS = [MAX_DESCRIPTION_BYTES, MAX_DESCRIPTION_BYTES + 1];

/** So many bytes, which a counterexample does not list. */
export function filled(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(7);
  return Object.defineProperty(bytes, fc.toStringMethod, { value: () => `filled(${length})` });
}

/** A pipe may begin with another. */
function limit(part: Part, action: string): number | undefined {
  for (const { type, requirement, ...inner } of part.pipe?.toReversed() ?? []) {
    if (type === action && typeof requirement === 'number') return requirement;
    const found = inner.pipe === part.pipe ? undefined : limit({ type, ...inner }, action);
    if (found !== undefined) return found;
  }
  return undefined;
}

function numbers(part: Part): fc.Arbitrary<number> {
  const min = limit(part, 'min_value') ?? Number.MIN_SAFE_INTEGER;
  const max = limit(part, 'max_value') ?? Number.MAX_SAFE_INTEGER;
  const near = fc.integer({ min, max: Math.min(max, min + 64) });
  return fc.oneof(
    { weight: 6, arbitrary: near },
    fc.constantFrom(min, max),
    fc.integer({ min, max }),
  );
}

function lists(part: Part): fc.Arbitrary<unknown> {
  const item = right(part.item as Part);
  const minLength = limit(part, 'min_length') ?? 0;
  const maxLength = limit(part, 'max_length') ?? minLength + 4;
  const short = fc.array(item, { minLength, maxLength: Math.min(maxLength, minLength + 4) });
  const longest = item.map((one) => Array.from({ length: maxLength }, () => one));
  return fc.oneof({ weight: 30, arbitrary: short }, longest);
}

function bytes(part: Part): fc.Arbitrary<unknown> {
  const fits = (length: number) => v.is(part as unknown as v.GenericSchema, filled(length));
  const short = fc.constantFrom(...LENGTHS.filter(fits)).map(filled);
  const long = LONG_LENGTHS.filter(fits);
  return long.length === 0
    ? short
    : fc.oneof({ weight: 30, arbitrary: short }, fc.constantFrom(...long).map(filled));
}

/** Values that the schema takes. */
function right(part: Part): fc.Arbitrary<unknown> {
  switch (part.type) {
    case 'literal':
      return fc.constant(part.literal);
    case 'picklist':
      return fc.constantFrom(...(part.options as unknown[]));
    case 'boolean':
      return fc.boolean();
    case 'bigint':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'number':
      return numbers(part);
    case 'string':
      return fc.oneof({ weight: 8, arbitrary: fc.string() }, fc.constant('x'.repeat(MAX_TEXT)));
    case 'custom':
      return bytes(part);
    case 'array':
      return lists(part);
    case 'nullable':
    case 'optional':
      return fc.option(right(part.wrapped as Part), {
        nil: part.type === 'nullable' ? null : undefined,
      });
    case 'union':
      return fc.oneof(...(part.options as Part[]).map(right));
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(part.entries ?? {}).map(([field, of]) => [field, right(of)]),
        ),
      );
    default:
      throw new Error(`no values for a schema of type ${part.type}: add them here`);
  }
}

/** Values one past what the schema takes, where it says how much that is. */
function past(part: Part): unknown[] {
  const [min, max] = [limit(part, 'min_value'), limit(part, 'max_value')];
  const longest = limit(part, 'max_length');
  return [
    ...(min === undefined ? [] : [min - 1]),
    ...(max === undefined ? [] : [max + 1]),
    ...(longest === undefined ? [] : [Array.from({ length: longest + 1 }, () => 'raw')]),
  ];
}

/** What is wrong in most places, or much. */
const ODD: readonly unknown[] = [
  ...[null, true, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2n ** 64n - 1n, ''],
  ...['x'.repeat(MAX_TEXT + 1), [], [[]], {}, { type: 'open' }],
  ...LONG_LENGTHS.map(filled),
];

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** Messages that the schema takes. */
export function rightMessages(schema: v.GenericSchema): fc.Arbitrary<Message> {
  return right(schema as unknown as Part) as fc.Arbitrary<Message>;
}

/** Messages that it mostly does not take: one field is missing, at odds with its type, or one past its limit. */
export function wrongMessages(schema: v.GenericSchema): fc.Arbitrary<Message> {
  const { entries = {} } = schema as unknown as Part;
  const changed = Object.entries(entries).map(([field, part]) =>
    fc.constantFrom(undefined, ...past(part), ...ODD).map((value) => ({ [field]: value })),
  );
  return fc
    .tuple(rightMessages(schema), fc.oneof(...changed))
    .map(([message, change]) => ({ ...message, ...change }));
}
