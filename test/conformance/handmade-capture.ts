/**
 * A capture made by hand, from docs/protocol.md and docs/capture-format.md alone: a list of what goes over the channels,
 * which a test may change before it is written.
 */
import { Packr } from 'msgpackr';
import { type CaptureCheck, checkCapture } from '../../src/conformance/check-capture.js';

type Role = 'control' | 'page' | 'fault';
type Way = 'to-destination' | 'to-source';

/** Something that goes over a channel at once. */
export interface Item {
  readonly role: Role;
  readonly number: number;
  readonly way: Way;
  readonly bytes: Buffer;
  /** For a test to find it by. */
  readonly name: string;
}

export const PAGE_BYTES = 4096;
const MAGIC = Buffer.from('PGFERRY\n', 'latin1');
export const ID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const packr = new Packr({ useRecords: false });

export interface PreambleFields {
  magic?: Buffer;
  version?: number;
  role?: number;
  flags?: number;
  channel?: number;
  id?: Buffer;
  features?: bigint;
}

export function preamble(role: Role, number: number, fields: PreambleFields = {}): Buffer {
  const bytes = Buffer.alloc(40);
  (fields.magic ?? MAGIC).copy(bytes);
  bytes.writeUInt16LE(fields.version ?? 2, 8);
  bytes.writeUInt8(fields.role ?? { control: 1, page: 2, fault: 3 }[role], 10);
  bytes.writeUInt8(fields.flags ?? 0, 11);
  bytes.writeUInt32LE(fields.channel ?? number, 12);
  (fields.id ?? ID).copy(bytes, 16);
  bytes.writeBigUInt64LE(fields.features ?? 1n, 32);
  return bytes;
}

export function answer(status = 0, fields: { version?: number; reserved?: number } = {}): Buffer {
  const bytes = Buffer.alloc(24);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(fields.version ?? 2, 8);
  bytes.writeUInt16LE(status, 10);
  bytes.writeUInt32LE(fields.reserved ?? 0, 12);
  bytes.writeBigUInt64LE(1n, 16);
  return bytes;
}

/** A field that is undefined is left out. */
export function message(fields: object): Buffer {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return frame(packr.pack(Object.fromEntries(said)));
}

export function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.byteLength);
  return Buffer.concat([length, body]);
}

export interface EntryFields {
  page: number;
  content: keyof typeof CONTENTS | number;
  pages?: number;
  /** Of a block all its pages, unless it is said. */
  members?: number;
  payload?: Buffer;
  /** What the entry says, where that is not the length of its payload. */
  payloadBytes?: number;
}

export interface RecordFields {
  type?: number;
  value?: number;
  entries?: EntryFields[];
  payloadBytes?: number;
  entryCount?: number;
}

const CONTENTS = {
  raw: 0,
  zero: 1,
  lz4: 2,
  zstd: 3,
  wkdm64: 4,
  wkdm32: 5,
  sparse: 6,
  'zstd-delta': 7,
  'lz4-delta': 8,
  xbzrle: 9,
  fill: 10,
  missing: 255,
};
const [FIRST_BLOCK, LAST_BLOCK] = [CONTENTS.lz4, CONTENTS.xbzrle];

export function record({ type = 1, value = 0, entries = [], ...told }: RecordFields): Buffer {
  const header = Buffer.alloc(16);
  const payload = Buffer.concat(entries.map((entry) => entry.payload ?? Buffer.alloc(0)));
  header.writeUInt16LE(type, 0);
  header.writeUInt16LE(told.entryCount ?? entries.length, 2);
  header.writeUInt32LE(told.payloadBytes ?? payload.byteLength, 4);
  header.writeBigUInt64LE(BigInt(value), 8);
  const table = entries.map((entry) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(entry.page), 0);
    bytes.writeUInt32LE(entry.payloadBytes ?? entry.payload?.byteLength ?? 0, 8);
    const pages = entry.pages ?? 1;
    const content = typeof entry.content === 'number' ? entry.content : CONTENTS[entry.content];
    const isBlock = content >= FIRST_BLOCK && content <= LAST_BLOCK;
    bytes.writeUInt16LE(pages, 12);
    bytes.writeUInt8(content, 14);
    bytes.writeUInt8(entry.members ?? (isBlock ? pages : 0), 15);
    return bytes;
  });
  return Buffer.concat([header, ...table, payload]);
}

export function sync(number: number): Buffer {
  return record({ type: 2, value: number });
}

export function request(page: number): Buffer {
  return record({ type: 3, value: page });
}

/** One LZ4 block of 4 KiB: 16 literals, a match that repeats them, and 5 literals at the end. */
export function lz4Block(): Buffer {
  const literals = Buffer.from('0123456789abcdef', 'latin1');
  const matched = PAGE_BYTES - 16 - 5;
  const rest = matched - 4 - 15;
  const lengths = [...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255];
  return Buffer.concat([
    Buffer.from([0xff, 1]), // 15 + 1 literals, and a match of 15 and more
    literals,
    Buffer.from([16, 0, ...lengths]),
    Buffer.from([0x50]),
    Buffer.from('vwxyz', 'latin1'),
  ]);
}

export function raw(pages = 1): Buffer {
  return Buffer.alloc(pages * PAGE_BYTES, 7);
}

/** The channel of a stripe among two, worked out by hand: stripe 0 is on 0, stripe 1 on 1. */
export const [STRIPE_0, STRIPE_1] = [0, 1024];

export const OPEN = {
  type: 'open',
  spaces: [
    { kind: 'ram', bytes: 1500 * PAGE_BYTES, pageBytes: PAGE_BYTES },
    { kind: 'ram', bytes: 500 * PAGE_BYTES, pageBytes: PAGE_BYTES },
  ],
  offers: { contents: Object.keys(CONTENTS), spaceKinds: ['ram'] },
  channels: 2,
  populatedBytes: 100 * PAGE_BYTES,
  dense: [{ page: 0, pages: 10 }],
  populateFirst: false,
  description: Buffer.from('a guest'),
  bootId: 'boot',
  strategy: 'hybrid',
};
export const OPENED = {
  type: 'opened',
  bootId: 'boot',
  accepts: { contents: Object.keys(CONTENTS), spaceKinds: ['ram'] },
  faultPath: true,
  faultPathReason: '',
  maxStateBytes: 65_536,
  guestCallMs: 30_000,
};
export const SWITCHOVER = {
  type: 'switchover',
  sync: 2,
  postCopy: true,
  state: Buffer.from('state'),
  pausedAtNs: 123_456_789n,
  running: true,
};
export const COMPLETE = {
  type: 'complete',
  demandFaults: 2,
  demandFaultsOverNetwork: 2,
  faultLatencyUs: { p50: 1.5, p99: 2, p999: 3, max: 4 },
  pagesReceived: 11,
  duplicatePages: 0,
  completedAtNs: 223_456_789n,
  guest: { operations: 5, longestGapMs: 0.5 },
};

/** Of a message. */
export interface Fields {
  readonly type: string;
  readonly [field: string]: unknown;
}

export function item(name: string, role: Role, number: number, way: Way, bytes: Buffer): Item {
  return { name, role, number, way, bytes };
}

export function source(fields: Fields, name = fields.type): Item {
  return item(name, 'control', 0, 'to-destination', message(fields));
}

export function destination(fields: Fields, name = fields.type): Item {
  return item(name, 'control', 0, 'to-source', message(fields));
}

export function onPage(number: number, bytes: Buffer, name = ''): Item {
  return item(name, 'page', number, 'to-destination', bytes);
}

function connected(role: Role, number: number): Item[] {
  const name = role === 'page' ? `page ${number}` : role;
  return [
    item(`${name} preamble`, role, number, 'to-destination', preamble(role, number)),
    item(`${name} answer`, role, number, 'to-source', answer()),
  ];
}

/** A hybrid migration of two spaces over two page channels: one round, then post-copy with two requests. */
export function rightMigration(): Item[] {
  return [
    ...connected('control', 0),
    source(OPEN),
    destination(OPENED),
    source({ type: 'clock', sentNs: 5n }),
    destination({ type: 'clocked', sentNs: 5n, nowNs: 77n }),
    ...connected('page', 0),
    ...connected('page', 1),
    ...connected('fault', 0),
    onPage(
      0,
      record({
        entries: [
          { page: 0, content: 'raw', pages: 2, payload: raw(2) },
          { page: 5, content: 'zero', pages: 3 },
          { page: 9, content: 'lz4', payload: lz4Block() },
        ],
      }),
      'round 0 on page 0',
    ),
    onPage(0, record({ type: 0x8007, entries: [{ page: 1, content: 200 }] }), 'optional record'),
    onPage(0, sync(1), 'sync 1 on page 0'),
    onPage(1, record({ entries: [{ page: STRIPE_1, content: 'zero' }] }), 'round 0 on page 1'),
    onPage(1, sync(1), 'sync 1 on page 1'),
    source({ type: 'round', sync: 1 }),
    source({ type: 'alive' }),
    destination({ type: 'news', optional: true }, 'optional message'),
    destination({ type: 'rounded', sync: 1, pages: 7 }),
    source(SWITCHOVER),
    onPage(
      0,
      record({
        entries: [{ page: 0, content: 'missing', pages: 10, payload: Buffer.from([0b101, 0b10]) }],
      }),
      'missing on page 0',
    ),
    onPage(0, sync(2), 'sync 2 on page 0'),
    onPage(1, record({ entries: [{ page: STRIPE_1, content: 'missing' }] }), 'missing on page 1'),
    onPage(1, sync(2), 'sync 2 on page 1'),
    destination({ type: 'ready' }),
    source({ type: 'resume' }),
    destination({ type: 'running', resumedAtNs: 9n, loadStateMs: 0.25, resumeMs: 1 }),
    item('request 0', 'fault', 0, 'to-source', request(0)),
    item(
      'answer 0',
      'fault',
      0,
      'to-destination',
      record({ entries: [{ page: 0, content: 'raw', payload: raw() }] }),
    ),
    item('request 1024', 'fault', 0, 'to-source', request(STRIPE_1)),
    item(
      'answer 1024',
      'fault',
      0,
      'to-destination',
      record({ entries: [{ page: STRIPE_1, content: 'zero' }] }),
    ),
    // Where a page goes after the switchover is free.
    onPage(1, record({ entries: [{ page: 2, content: 'zero' }] }), 'push on page 1'),
    onPage(0, record({ entries: [{ page: 9, content: 'lz4', payload: lz4Block() }] }), 'push'),
    onPage(0, sync(3), 'sync 3 on page 0'),
    onPage(1, sync(3), 'sync 3 on page 1'),
    source({ type: 'pushed', sync: 3 }),
    destination(COMPLETE),
    source({ type: 'verify', observeMs: 500, pages: 3 }),
    destination({
      type: 'verified',
      verification: {
        pagesCompared: 3,
        pagesDifferent: 0,
        firstDifferentPage: null,
        failedReads: 0,
      },
      guest: { opsPerSecond: 12.5 },
    }),
    source({ type: 'bye' }),
  ];
}

/** The file. `cutInto`: blocks of at most so many bytes. */
export function captureOf(
  items: readonly Item[],
  { side = 1, cutInto = 1 << 20, ended = true } = {},
): Buffer {
  const head = Buffer.alloc(24);
  head.write('PGFCAPT\n', 'latin1');
  head.writeUInt16LE(1, 8);
  head.writeUInt8(side, 10);
  const blocks = items.flatMap(({ role, number, way, bytes }) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.byteLength; at += cutInto) {
      const part = bytes.subarray(at, at + cutInto);
      const block = Buffer.alloc(8);
      block.writeUInt8({ control: 1, page: 2, fault: 3 }[role], 0);
      block.writeUInt8(way === 'to-destination' ? 1 : 2, 1);
      block.writeUInt16LE(number, 2);
      block.writeUInt32LE(part.byteLength, 4);
      parts.push(block, part);
    }
    return parts;
  });
  return Buffer.concat([head, ...blocks, ended ? Buffer.alloc(8) : Buffer.alloc(0)]);
}

async function* piecesOf(file: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.byteLength; at += pieceBytes) {
    yield file.subarray(at, at + pieceBytes);
  }
}

export function check(file: Buffer, pieceBytes = 65_536): Promise<CaptureCheck> {
  return checkCapture(piecesOf(file, pieceBytes));
}
