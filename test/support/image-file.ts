/** Reads and writes image files by docs/image-format.md alone, so that the engine is compared with the document. */
import { readFileSync, writeFileSync } from 'node:fs';

export const PAGE = 4096;

export interface ReadSnapshot {
  readonly timeNs: number;
  /** The content of each page that it sets, by index. */
  readonly pages: ReadonlyMap<number, Buffer>;
}

export interface ReadImage {
  readonly pages: number;
  readonly stopped: number;
  readonly end: number;
  readonly snapshots: readonly ReadSnapshot[];
  readonly mappings: readonly {
    readonly start: number;
    readonly bytes: number;
    readonly pages: number;
    readonly flags: number;
    readonly leftOut: number;
    readonly name: string;
  }[];
  readonly addresses: readonly number[];
}

const WORD = 2n ** 64n;

function checksum(...parts: readonly Buffer[]): bigint {
  let state = 0x9e3779b97f4a7c15n;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 8) {
      state = ((state ^ part.readBigUInt64LE(at)) * 0xff51afd7ed558ccdn) % WORD;
      state ^= state >> 29n;
    }
  }
  return state;
}

/** Throws where the file contradicts the document. */
export function readImage(path: string): ReadImage {
  const file = readFileSync(path);
  const number = (at: number) => Number(file.readBigUInt64LE(at));
  const must = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`${path}: ${what}`);
  };
  must(file.subarray(0, 8).toString('latin1') === 'PFIMAGE\n', 'magic');
  must(file.readUInt32LE(8) === 1 && file.readUInt32LE(12) === PAGE, 'version');
  const [pages, contents, entries] = [number(16), number(24), number(32)];
  const [snapshots, mappings] = [file.readUInt32LE(40), file.readUInt32LE(44)];
  const nameBytes = number(48);
  const inWords = (bytes: number) => Math.ceil(bytes / 8) * 8;
  const at = {
    snapshots: PAGE * (1 + contents),
    mappings: PAGE * (1 + contents) + 40 * snapshots,
    addresses: PAGE * (1 + contents) + 40 * (snapshots + mappings),
    entries: PAGE * (1 + contents) + 40 * (snapshots + mappings) + 8 * pages,
    names: PAGE * (1 + contents) + 40 * (snapshots + mappings) + 8 * pages + inWords(4 * entries),
  };
  must(file.length === at.names + inWords(nameBytes), 'length');
  const header = Buffer.from(file.subarray(0, 80));
  header.writeBigUInt64LE(0n, 72);
  must(
    file.subarray(80, PAGE).every((byte) => byte === 0),
    'rest of the header',
  );
  must(checksum(header, file.subarray(at.snapshots)) === file.readBigUInt64LE(72), 'id');

  let entry = 0;
  let content = 0;
  const readSnapshots = Array.from({ length: snapshots }, (_, index): ReadSnapshot => {
    const from = at.snapshots + 40 * index;
    const end = entry + number(from + 16);
    const first = content;
    const found = new Map<number, Buffer>();
    for (; entry < end; entry += 1) {
      const value = file.readUInt32LE(at.entries + 4 * entry);
      const isZero = value >= 2 ** 31;
      const start = PAGE * (1 + content);
      found.set(value % 2 ** 31, isZero ? Buffer.alloc(PAGE) : file.subarray(start, start + PAGE));
      if (!isZero) content += 1;
    }
    must(content - first === number(from + 24), 'contents of a snapshot');
    const bytes = file.subarray(PAGE * (1 + first), PAGE * (1 + content));
    must(checksum(bytes) === file.readBigUInt64LE(from + 32), 'checksum of a snapshot');
    return { timeNs: number(from), pages: found };
  });
  must(entry === entries && content === contents, 'entries');

  let name = at.names;
  const readMappings = Array.from({ length: mappings }, (_, index) => {
    const from = at.mappings + 40 * index;
    const length = file.readUInt32LE(from + 28);
    name += length;
    return {
      start: number(from),
      bytes: number(from + 8),
      pages: number(from + 16),
      flags: file.readUInt32LE(from + 24),
      leftOut: file.readUInt8(from + 32),
      name: file.subarray(name - length, name).toString(),
    };
  });
  return {
    pages,
    stopped: file.readUInt8(64),
    end: file.readUInt8(65),
    snapshots: readSnapshots,
    mappings: readMappings,
    addresses: Array.from({ length: pages }, (_, page) => number(at.addresses + 8 * page)),
  };
}

/** What a page becomes in a snapshot. */
export interface WrittenEntry {
  readonly page: number;
  /** Null: it becomes zero. */
  readonly content: Buffer | null;
}

/** Snapshots 10 ms apart, of a process with one mapping. */
export function writeImage(
  path: string,
  pages: number,
  snapshots: readonly (readonly WrittenEntry[])[],
): void {
  const entries = snapshots.flat();
  const contents = entries.flatMap(({ content }) => (content === null ? [] : [content]));
  const padded = (bytes: Buffer) =>
    Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  const table = Buffer.concat([
    ...snapshots.map((own, index) => {
      const held = own.flatMap(({ content }) => (content === null ? [] : [content]));
      const row = Buffer.alloc(40);
      row.writeBigUInt64LE(BigInt(index) * 10_000_000n, 0);
      row.writeBigUInt64LE(1000n, 8);
      row.writeBigUInt64LE(BigInt(own.length), 16);
      row.writeBigUInt64LE(BigInt(held.length), 24);
      row.writeBigUInt64LE(checksum(...held), 32);
      return row;
    }),
    mappingOf(pages),
    Buffer.concat(Array.from({ length: pages }, (_, page) => wordOf(0x10000 + PAGE * page))),
    padded(
      Buffer.from(
        Uint32Array.from(
          entries.map(({ page, content }) => page + (content === null ? 2 ** 31 : 0)),
        ).buffer,
      ),
    ),
  ]);
  const header = Buffer.alloc(PAGE);
  header.write('PFIMAGE\n', 0, 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(PAGE, 12);
  header.writeBigUInt64LE(BigInt(pages), 16);
  header.writeBigUInt64LE(BigInt(contents.length), 24);
  header.writeBigUInt64LE(BigInt(entries.length), 32);
  header.writeUInt32LE(snapshots.length, 40);
  header.writeUInt32LE(1, 44);
  header.writeBigUInt64LE(checksum(header.subarray(0, 80), table), 72);
  writeFileSync(path, Buffer.concat([header, ...contents, table]));
}

function wordOf(value: number): Buffer {
  const word = Buffer.alloc(8);
  word.writeBigUInt64LE(BigInt(value));
  return word;
}

function mappingOf(pages: number): Buffer {
  const row = Buffer.alloc(40);
  wordOf(0x10000).copy(row, 0);
  wordOf(PAGE * pages).copy(row, 8);
  wordOf(pages).copy(row, 16);
  row.writeUInt32LE(3, 24);
  return row;
}
