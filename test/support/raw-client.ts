/** A client that speaks as much or as little of the protocol as a test wants. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { binding } from '../../src/native/binding.js';
import type { ChannelRole } from '../../src/native/connections.js';
import { encodeFrame } from '../../src/protocol/framing.js';
import { knownContents, SPACE_KINDS } from '../../src/protocol/offers.js';
import { atEnd } from './at-end.js';
import { Frames } from './frames.js';
import { readExactly } from './relay.js';
import { until } from './until.js';

const { magic, version, roles, preambleBytes, preambleReplyBytes, features } =
  binding.protocolConstants();

/** All that the protocol has. */
export const OFFERS = {
  contents: knownContents(),
  spaceKinds: [...SPACE_KINDS],
};
const ALL_FEATURES = Object.values(features).reduce((set, bit) => set | (1n << BigInt(bit)), 0n);

export interface PreambleFields {
  readonly role: ChannelRole;
  readonly channel: number;
  readonly migrationId: Uint8Array;
  readonly version: number;
  readonly flags: number;
  readonly features: bigint;
}

export function preamble(fields: Partial<PreambleFields> = {}): Buffer {
  const bytes = Buffer.alloc(preambleBytes);
  bytes.set(magic);
  bytes.writeUInt16LE(fields.version ?? version, 8);
  bytes.writeUInt8(roles[fields.role ?? 'control'], 10);
  bytes.writeUInt8(fields.flags ?? 0, 11);
  bytes.writeUInt32LE(fields.channel ?? 0, 12);
  bytes.set(fields.migrationId ?? randomBytes(16), 16);
  bytes.writeBigUInt64LE(fields.features ?? ALL_FEATURES, 32);
  return bytes;
}

export class RawClient {
  readonly socket: Socket;
  readonly migrationId = randomBytes(16);
  readonly messages: { readonly type: string; readonly [field: string]: unknown }[] = [];
  readonly #port: number;
  #closed = false;

  private constructor(port: number) {
    this.#port = port;
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#closed = true;
    });
    atEnd(() => void this.socket.destroy());
  }

  /** A connection on which nothing was said. */
  static async connect(port: number): Promise<RawClient> {
    const client = new RawClient(port);
    await once(client.socket, 'connect');
    return client;
  }

  /** A control channel that was accepted. */
  static async control(port: number, fields: Partial<PreambleFields> = {}): Promise<RawClient> {
    const client = await RawClient.connect(port);
    const status = await client.introduce({ migrationId: client.migrationId, ...fields });
    if (status !== 0) throw new Error(`the destination answered status ${status}`);
    const decoder = new Frames();
    client.socket.on('data', (chunk: Buffer) => {
      client.messages.push(...(decoder.push(chunk) as RawClient['messages']));
    });
    client.socket.resume();
    return client;
  }

  /** A control channel whose `open` was taken; one region of this many pages. */
  static async opened(port: number, pages = 4, changes: object = {}): Promise<RawClient> {
    const client = await RawClient.control(port);
    client.send(openMessage(pages, changes));
    await client.message('opened');
    return client;
  }

  /** Another connection of this migration, past its preamble; and what was answered. */
  async channel(
    role: ChannelRole,
    channel: number,
  ): Promise<{ status: number; client: RawClient }> {
    const client = await RawClient.connect(this.#port);
    const status = await client.introduce({ role, channel, migrationId: this.migrationId });
    client.socket.resume();
    return { status, client };
  }

  /** Sends a preamble; answers the status. */
  async introduce(fields: Partial<PreambleFields>): Promise<number> {
    this.socket.write(preamble(fields));
    return (await readExactly(this.socket, preambleReplyBytes)).readUInt16LE(10);
  }

  send(message: { readonly type: string; readonly [field: string]: unknown }): void {
    this.socket.write(encodeFrame(message));
  }

  async message(type: string): Promise<RawClient['messages'][number]> {
    const found = () => this.messages.find((message) => message.type === type);
    await until(`message ${type}`, () => found() !== undefined);
    return found() as RawClient['messages'][number];
  }

  /** Throws unless the destination closes the connection within that time from now. */
  async closed(withinMs?: number): Promise<void> {
    this.socket.resume();
    await until('the destination closes the connection', () => this.#closed, withinMs);
  }
}

export function openMessage(pages = 4, changes: object = {}) {
  return {
    type: 'open',
    spaces: [{ kind: 'ram', bytes: pages * 4096, pageBytes: 4096 }],
    offers: OFFERS,
    channels: 1,
    populatedBytes: 0,
    dense: [],
    populateFirst: false,
    description: new Uint8Array(),
    bootId: 'none',
    strategy: 'hybrid',
    ...changes,
  };
}

export interface Entry {
  readonly page: number;
  readonly pages: number;
  readonly content: number;
  readonly payload: Uint8Array;
  readonly reserved?: number;
}

/** A pages record, whatever its entries say. */
export function pagesRecord(
  entries: readonly Entry[],
  header: { payloadBytes?: number; value?: number } = {},
): Buffer {
  const payload = Buffer.concat(entries.map((entry) => entry.payload));
  const head = Buffer.alloc(16 + 16 * entries.length);
  head.writeUInt16LE(binding.protocolConstants().recordTypes.pages, 0);
  head.writeUInt16LE(entries.length, 2);
  head.writeUInt32LE(header.payloadBytes ?? payload.byteLength, 4);
  head.writeBigUInt64LE(BigInt(header.value ?? 0), 8);
  entries.forEach((entry, at) => {
    const offset = 16 + 16 * at;
    head.writeBigUInt64LE(BigInt(entry.page), offset);
    head.writeUInt32LE(entry.payload.byteLength, offset + 8);
    head.writeUInt16LE(entry.pages, offset + 12);
    head.writeUInt8(entry.content, offset + 14);
    head.writeUInt8(entry.reserved ?? 0, offset + 15);
  });
  return Buffer.concat([head, payload]);
}

export function syncRecord(sync: number): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16LE(binding.protocolConstants().recordTypes.sync, 0);
  record.writeBigUInt64LE(BigInt(sync), 8);
  return record;
}
