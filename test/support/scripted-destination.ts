/** A destination that speaks the protocol as it should, drops every page, and says what a test wants after a message. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { binding } from '../../src/native/binding.js';
import { encodeFrame } from '../../src/protocol/framing.js';
import type { DestinationMessage, SourceMessage } from '../../src/protocol/messages.js';
import { acceptedOf } from '../../src/protocol/offers.js';
import { atEnd } from './at-end.js';
import { Frames } from './frames.js';
import { readExactly } from './relay.js';

const { magic, version, roles, preambleBytes, preambleReplyBytes } = binding.protocolConstants();

/** What is said after a message of this type, instead of what should be. */
export type Script = Partial<Record<SourceMessage['type'], readonly DestinationMessage[]>>;

export class ScriptedDestination {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #script: Script;
  readonly heard: SourceMessage[] = [];

  private constructor(server: Server, script: Script) {
    this.#server = server;
    this.#script = script;
    server.on('connection', (socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => {});
      this.#welcome(socket).catch(() => socket.destroy());
    });
  }

  static async start(script: Script): Promise<ScriptedDestination> {
    const server = createServer({ noDelay: true });
    const destination = new ScriptedDestination(server, script);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => {
      server.close();
      for (const socket of destination.#sockets) socket.destroy();
    });
    return destination;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every source that was here has closed its connections. */
  get isAlone(): boolean {
    return this.#sockets.every((socket) => socket.readableEnded || socket.destroyed);
  }

  async #welcome(socket: Socket): Promise<void> {
    const preamble = await readExactly(socket, preambleBytes);
    const answer = Buffer.alloc(preambleReplyBytes);
    answer.set(magic);
    answer.writeUInt16LE(version, 8);
    socket.write(answer);
    if (preamble[10] !== roles.control) {
      socket.resume();
      return;
    }
    const frames = new Frames();
    socket.on('data', (chunk: Buffer) => {
      for (const value of frames.push(chunk)) this.#onMessage(socket, value as SourceMessage);
    });
    socket.resume();
  }

  #onMessage(socket: Socket, message: SourceMessage): void {
    this.heard.push(message);
    const answers = this.#script[message.type] ?? asItShould(message);
    for (const one of answers) socket.write(encodeFrame(one));
  }
}

function asItShould(message: SourceMessage): readonly DestinationMessage[] {
  switch (message.type) {
    case 'open':
      return [
        {
          type: 'opened',
          bootId: message.bootId,
          accepts: acceptedOf(message.offers),
          faultPath: true,
          faultPathReason: '',
          maxStateBytes: 65_536,
          guestCallMs: 100,
        },
      ];
    case 'clock':
      return [{ type: 'clocked', sentNs: message.sentNs, nowNs: process.hrtime.bigint() }];
    case 'round':
      return [{ type: 'rounded', sync: message.sync, pages: 0 }];
    case 'switchover':
      return [{ type: 'ready' }];
    default:
      return [];
  }
}
