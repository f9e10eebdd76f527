/**
 * A TCP relay between a source and a destination that breaks things at an exact moment: it knows each
 * connection's role from its preamble, and shows every control message before it passes it on.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { binding } from '../../src/native/binding.js';
import type { ChannelRole } from '../../src/native/connections.js';
import { atEnd } from './at-end.js';
import { Frames } from './frames.js';

const { preambleBytes, preambleReplyBytes } = binding.protocolConstants();
const ROLES: Readonly<Record<number, ChannelRole>> = { 1: 'control', 2: 'page', 3: 'fault' };

export type Side = 'source' | 'destination';
/** Called before a control message is passed on; `swallow`: it never is. */
export type OnMessage = (type: string, from: Side) => 'pass' | 'swallow';

interface Pair {
  readonly role: ChannelRole;
  readonly source: Socket;
  readonly destination: Socket;
  frozen: boolean;
}

export class Relay {
  /** Bytes from the source on page channels so far. */
  pageBytes = 0;
  onMessage: OnMessage = () => 'pass';
  /** Called whenever bytes of a page channel were passed on. */
  onPageBytes: (total: number) => void = () => {};
  /** What passes of the channels with this role, and how often: a slow link. */
  #slow:
    | { readonly role: ChannelRole; readonly bytes: number; readonly everyMs: number }
    | undefined;
  /** Requests pass, and their answers do not. */
  swallowAnswers = false;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #destinationPort: number;

  private constructor(server: Server, destinationPort: number) {
    this.#server = server;
    this.#destinationPort = destinationPort;
    server.on('connection', (source) => this.#accept(source).catch(() => source.destroy()));
  }

  static async start(destinationPort: number): Promise<Relay> {
    const server = createServer({ noDelay: true });
    const relay = new Relay(server, destinationPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => {
      server.close();
      relay.cut();
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the connections of this role (of every role: of all), both ways. */
  cut(role?: ChannelRole): void {
    for (const pair of this.#matching(role)) {
      this.#pairs.delete(pair);
      pair.source.destroy();
      pair.destination.destroy();
    }
  }

  /** The connections stay open, and nothing passes any more. */
  freeze(role?: ChannelRole): void {
    for (const pair of this.#matching(role)) {
      pair.frozen = true;
      pair.source.pause();
      pair.destination.pause();
    }
  }

  /** From here on connections of this role pass so many bytes from the source at a time. */
  throttle(role: ChannelRole, bytes: number, everyMs: number): void {
    this.#slow = { role, bytes, everyMs };
  }

  #matching(role: ChannelRole | undefined): Pair[] {
    return [...this.#pairs].filter((pair) => role === undefined || pair.role === role);
  }

  async #accept(source: Socket): Promise<void> {
    source.on('error', () => {});
    const preamble = await readExactly(source, preambleBytes);
    const destination = connect({ port: this.#destinationPort, host: '127.0.0.1', noDelay: true });
    destination.on('error', () => {});
    const role = ROLES[preamble[10] as number] ?? 'control';
    const pair: Pair = { role, source, destination, frozen: false };
    this.#pairs.add(pair);
    const closeOther = (other: Socket) => () => {
      if (!pair.frozen) other.destroySoon();
    };
    source.on('close', closeOther(destination));
    destination.on('close', closeOther(source));
    destination.write(preamble);
    source.write(await readExactly(destination, preambleReplyBytes));
    const slow = this.#slow;
    if (slow?.role === role) trickle(pair, slow.bytes, slow.everyMs);
    else this.#forward(pair, 'source');
    this.#forward(pair, 'destination');
  }

  #forward(pair: Pair, from: Side): void {
    const [input, output] =
      from === 'source' ? [pair.source, pair.destination] : [pair.destination, pair.source];
    const splitter = new FrameSplitter();
    input.on('data', (chunk: Buffer) => {
      if (pair.frozen) return;
      if (pair.role === 'fault' && from === 'source' && this.swallowAnswers) return;
      if (pair.role === 'control') {
        for (const { frame, type } of splitter.push(chunk)) {
          if (this.onMessage(type, from) === 'pass' && !output.destroyed) output.write(frame);
        }
        return;
      }
      if (!output.write(chunk)) {
        input.pause();
        output.once('drain', () => {
          if (!pair.frozen) input.resume();
        });
      }
      if (pair.role === 'page' && from === 'source') {
        this.pageBytes += chunk.byteLength;
        this.onPageBytes(this.pageBytes);
      }
    });
    input.resume();
  }
}

/** Reads no more than it may pass on, so that the rest waits in the sender's socket. */
function trickle({ source, destination }: Pair, bytes: number, everyMs: number): void {
  const timer = setInterval(() => {
    // What is there by now, once: a stream that is not flowing reads no further ahead than its buffer.
    const chunk = source.read(Math.min(bytes, source.readableLength)) as Buffer | null;
    if (chunk !== null) destination.write(chunk);
  }, everyMs);
  const end = () => clearInterval(timer);
  source.on('close', end);
  destination.on('close', end);
  // Paused mode: reading is what read() asks for.
  source.on('readable', () => {});
}

/** Cuts a control stream into frames, bytes untouched. */
class FrameSplitter {
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): { frame: Buffer; type: string }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames = [];
    while (this.#rest.byteLength >= 4) {
      const end = 4 + this.#rest.readUInt32LE(0);
      if (this.#rest.byteLength < end) break;
      const frame = Buffer.from(this.#rest.subarray(0, end));
      const message = new Frames().push(frame)[0] as { type: string };
      frames.push({ frame, type: message.type });
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }
}

/** The next bytes of a stream, which is paused then. Rejects when it closes first. */
export function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const onClose = () => reject(new Error(`closed after ${held.byteLength} of ${bytes} bytes`));
    const onData = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (held.byteLength < bytes) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      if (held.byteLength > bytes) socket.unshift(held.subarray(bytes));
      resolve(held.subarray(0, bytes));
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.resume();
  });
}
