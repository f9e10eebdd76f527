/** What the fields of messages may be, in the words of docs/protocol.md, section 3. */
import { MOST } from './bounds.js';
import type { Fields, Value } from './message-pack.js';

/** What was expected of which field, and what came; undefined where it is right. */
export interface Complaint {
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}
export type Check = (value: Value | undefined, field: string) => Complaint | undefined;

function check(expected: string, isRight: (value: Value) => boolean): Check {
  return (value, field) =>
    value !== undefined && isRight(value) ? undefined : { field, expected, found: show(value) };
}

/** Short, and on one line. */
export function show(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return `a map of ${[...value.keys()].slice(0, 8).join(', ')}`;
  return String(value);
}

/** A whole number, however it is encoded; undefined for anything else. */
export function wholeOf(value: Value | undefined): number | undefined {
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

export function whole(least = 0, most = Number.MAX_SAFE_INTEGER): Check {
  return check(`a whole number from ${least} to ${most}`, (value) => {
    const number = wholeOf(value);
    return number !== undefined && number >= least && number <= most;
  });
}

export function duration(most = Number.POSITIVE_INFINITY): Check {
  const expected =
    most === Number.POSITIVE_INFINITY ? 'a duration' : `a duration of at most ${most}`;
  return check(expected, (value) => {
    if (typeof value !== 'bigint' && typeof value !== 'number') return false;
    const number = Number(value);
    return Number.isFinite(number) && number >= 0 && number <= most;
  });
}

export const clock: Check = check(
  'a time in nanoseconds, as an integer of 64 bits',
  (value) => typeof value === 'bigint' && value >= 0n && value < 2n ** 64n,
);

export const text: Check = check(
  `a text of at most ${MOST.textCharacters} characters`,
  (value) => typeof value === 'string' && value.length <= MOST.textCharacters,
);

export const flag: Check = check('a boolean', (value) => typeof value === 'boolean');

export function bytes(most: number, least = 0): Check {
  return check(
    least === most ? `${most} bytes` : `at most ${most} bytes`,
    (value) => value instanceof Uint8Array && value.byteLength <= most && value.byteLength >= least,
  );
}

export function oneOf(...choices: readonly string[]): Check {
  return check(`one of ${choices.join(', ')}`, (value) => choices.some((one) => one === value));
}

export function listOf(item: Check, most: number, least = 0): Check {
  const lengths = check(
    `a list of ${least} to ${most}`,
    (value) => Array.isArray(value) && value.length >= least && value.length <= most,
  );
  return (value, field) => {
    const wrong = lengths(value, field);
    if (wrong !== undefined) return wrong;
    for (const [at, one] of (value as Value[]).entries()) {
      const complaint = item(one, `${field}[${at}]`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
}

export function nullable(inner: Check): Check {
  return (value, field) => (value === null ? undefined : inner(value, field));
}

/** A field that may be left out. */
export function optional(inner: Check): Check {
  return (value, field) => (value === undefined ? undefined : inner(value, field));
}

export type FieldsCheck = Check & { readonly names: readonly string[] };

/** A map with at least these fields: others are ignored. */
export function fields(checks: Readonly<Record<string, Check>>): FieldsCheck {
  const checkAll: Check = (value, field) => {
    if (!(value instanceof Map)) return { field, expected: 'a map', found: show(value) };
    for (const [name, one] of Object.entries(checks)) {
      const complaint = one((value as Fields).get(name), field === '' ? name : `${field}.${name}`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
  return Object.assign(checkAll, { names: Object.keys(checks) });
}
