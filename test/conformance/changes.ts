/** What a test does to a right migration. */
import { type destination, type Fields, type Item, source } from './handmade-capture.js';

export type Change = (items: Item[]) => Item[];

export function indexOf(items: readonly Item[], name: string): number {
  const at = items.findIndex((one) => one.name === name);
  if (at < 0) throw new Error(`there is no ${name}`);
  return at;
}

export function replaced(name: string, bytes: Buffer): Change {
  return (items) =>
    items.with(indexOf(items, name), {
      ...(items.find((one) => one.name === name) as Item),
      bytes,
    });
}

/** A message in the place of that of its type. */
export function said(fields: Fields, by: typeof source | typeof destination = source): Change {
  return (items) => items.with(indexOf(items, fields.type), by(fields));
}

export function without(...names: readonly string[]): Change {
  return (items) => items.filter((one) => !names.includes(one.name));
}

export function before(name: string, ...added: readonly Item[]): Change {
  return (items) => items.toSpliced(indexOf(items, name), 0, ...added);
}

export function after(name: string, ...added: readonly Item[]): Change {
  return (items) => items.toSpliced(indexOf(items, name) + 1, 0, ...added);
}

export function both(...changes: readonly Change[]): Change {
  return (items) => changes.reduce((changed, change) => change(changed), items);
}

export function moved(name: string, behind: string): Change {
  return (items) => {
    const one = items[indexOf(items, name)] as Item;
    return after(behind, one)(without(name)(items));
  };
}

export function flipped(name: string, offset: number, value: number): Change {
  return (items) => {
    const bytes = Buffer.from((items[indexOf(items, name)] as Item).bytes);
    bytes.writeUInt8(value, offset);
    return replaced(name, bytes)(items);
  };
}
