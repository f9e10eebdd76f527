/** Holds a conversation with a destination, to its end, and tells what was heard. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { binding } from '../../src/native/binding.js';
import { encodeFrame } from '../../src/protocol/framing.js';
import { Frames } from '../support/frames.js';
import { allMissing } from '../support/handmade-source.js';
import { type PreambleFields, pagesRecord, preamble, syncRecord } from '../support/raw-client.js';
import { readExactly } from '../support/relay.js';
import { until } from '../support/until.js';
import { type Conversation, type Opening, PAGES, type Step } from './conversations.js';

const { contents, preambleReplyBytes, statuses } = binding.protocolConstants();
/** The sum of every deadline that a conversation can meet at the stall timeout of the test, and much more. */
const CLOSED_WITHIN_MS = 25_000;

export interface Heard {
  /** Undefined: the destination closed without an answer. */
  readonly status: number | undefined;
  readonly messages: readonly unknown[];
}

function bytesOf(opening: Opening): Buffer {
  const none = new Uint8Array();
  switch (opening) {
    case 'nothing':
      return Buffer.alloc(0);
    case 'sync 1':
      return syncRecord(1);
    case 'all missing, sync 1':
      return Buffer.concat([pagesRecord([allMissing()]), syncRecord(1)]);
    case 'all zero, sync 2': {
      const zeros = { page: 0, pages: PAGES, content: contents.zero.id, payload: none };
      return Buffer.concat([pagesRecord([zeros]), syncRecord(2)]);
    }
    case 'noise':
      return Buffer.alloc(100, 0x5a);
    default:
      throw new Error(`no such opening: ${opening satisfies never}`);
  }
}

/** Node does not close the descriptor of a socket that is reset while it ends. */
function reset(socket: Socket): void {
  if (socket.readableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

class Client {
  readonly messages: { readonly type?: unknown }[] = [];
  readonly #port: number;
  readonly #id: Uint8Array;
  readonly #sockets: Socket[] = [];
  #page: Socket | undefined;

  constructor(port: number, id: Uint8Array) {
    this.#port = port;
    this.#id = id;
  }

  /** A connection, and the answer to its preamble. */
  async connect(fields: Partial<PreambleFields>) {
    const socket = connect(this.#port, '127.0.0.1');
    this.#sockets.push(socket);
    socket.on('error', () => {});
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    socket.write(preamble({ migrationId: this.#id, ...fields }));
    const answer = await readExactly(socket, preambleReplyBytes).catch(() => undefined);
    return { socket, status: answer?.readUInt16LE(10) };
  }

  listen(control: Socket): void {
    const frames = new Frames();
    control.on('data', (chunk: Buffer) => {
      this.messages.push(...(frames.push(chunk) as { type?: unknown }[]));
    });
    control.resume();
  }

  async take(step: Step, control: Socket): Promise<void> {
    switch (step.do) {
      case 'say':
        control.write(encodeFrame(step.message));
        return;
      case 'break off':
        control.write(encodeFrame(step.message).subarray(0, step.bytes));
        return;
      case 'frame': {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(step.length);
        control.write(Buffer.concat([length, step.body]));
        return;
      }
      case 'connect': {
        const { socket } = await this.connect({ role: step.role, channel: step.channel });
        socket.resume();
        if (step.role === 'page') this.#page = socket;
        socket.write(bytesOf(step.opening));
        return;
      }
      case 'send':
        this.#page?.write(bytesOf(step.opening));
        return;
      case 'await':
        await until(
          `${step.type} or the end`,
          () => control.closed || this.messages.some(({ type }) => type === step.type),
          CLOSED_WITHIN_MS,
        );
        return;
      default:
        throw new Error(`no such step: ${JSON.stringify(step satisfies never)}`);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** `id`: of the migration that it brings. Throws when the destination does not close in time. */
export async function holdConversation(
  { preamble: opening, steps, end }: Conversation,
  port: number,
  id: Uint8Array,
): Promise<Heard> {
  const client = new Client(port, id);
  try {
    const { socket: control, status } = await client.connect({
      ...(opening === 'no features' ? { features: 0n } : {}),
      ...(opening === 'resume' ? { flags: 1 } : {}),
    });
    client.listen(control);
    if (status === statuses.accepted) {
      for (const step of steps) await client.take(step, control);
      if (end === 'leave') control.end();
      if (end === 'reset') reset(control);
    }
    await until('the destination closes', () => control.closed, CLOSED_WITHIN_MS);
    return { status, messages: client.messages };
  } finally {
    client.close();
  }
}
