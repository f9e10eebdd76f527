/**
 * The control channel: typed messages over one connection, and a peer that is watched.
 *
 * Any end of the channel (lost, silent, nonsense received) is one PageferryError, given to whoever waits in
 * receive() and to `onEnd`, once.
 */
import { Socket } from 'node:net';
import { ERROR_CODES, PageferryError } from '../errors.js';
import type { Connection } from '../native/binding.js';
import { encodeFrame, FrameDecoder } from './framing.js';
import { MessageRefused } from './messages.js';

const ALIVE_EVERY_MS = 1000;

export interface ChannelOptions<In> {
  readonly parse: (value: unknown) => In;
  /** Nothing heard for this long: the peer counts as gone. */
  readonly stallMs: number;
  readonly onEnd?: (error: PageferryError) => void;
}

export class ControlChannel<Out extends { type: string }, In extends { type: string }> {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #options: ChannelOptions<In>;
  readonly #decoder = new FrameDecoder();
  readonly #arrived: In[] = [];
  #waiting: { resolve: (message: In) => void; reject: (error: Error) => void } | undefined;
  #ended: PageferryError | undefined;
  #heardAt = performance.now();
  #beat: NodeJS.Timeout;

  constructor(connection: Connection, options: ChannelOptions<In>) {
    this.peer = connection.peer;
    this.#options = options;
    this.#socket = new Socket({ fd: connection.detach(), readable: true, writable: true });
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', (error) => this.#end(this.#gone(error)));
    this.#socket.on('close', () => this.#end(this.#gone()));
    this.#socket.resume();
    this.#beat = setInterval(() => this.#onBeat(), ALIVE_EVERY_MS);
    this.#beat.unref();
  }

  /** Queues a message; a channel that has ended ignores it (who waits for the answer learns why). */
  send(message: Out): void {
    if (this.#ended === undefined) this.#socket.write(encodeFrame(message));
  }

  /** The next message. Rejects with the channel's end. One caller at a time. */
  receive(): Promise<In> {
    const message = this.#arrived.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Ends the channel after what was sent has gone out. Idempotent. */
  close(): void {
    this.#finish(new PageferryError('PEER_GONE', 'the control channel was closed here'));
    this.#socket.end(() => this.#socket.destroy());
    this.#socket.unref();
  }

  #gone(cause?: unknown): PageferryError {
    return new PageferryError('PEER_GONE', `lost the connection to ${this.peer}`, {
      peer: this.peer,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #onData(chunk: Buffer): void {
    this.#heardAt = performance.now();
    try {
      for (const value of this.#decoder.push(chunk)) {
        const message = this.#options.parse(value);
        if (message.type !== 'alive') this.#deliver(message);
      }
    } catch (error) {
      const reason = error instanceof MessageRefused ? error.message : 'a frame that is not ours';
      this.#end(
        new PageferryError('PROTOCOL', `${this.peer} sent ${reason}`, {
          peer: this.peer,
          cause: error,
        }),
      );
    }
  }

  #deliver(message: In): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(message);
    else waiting.resolve(message);
  }

  #onBeat(): void {
    // Should our own event loop have been blocked, then what came meanwhile is read before this runs.
    if (this.#silentMs() > this.#options.stallMs) setImmediate(() => this.#checkSilence());
    this.send({ type: 'alive' } as Out);
  }

  #silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  #checkSilence(): void {
    const silentMs = this.#silentMs();
    if (silentMs <= this.#options.stallMs) return;
    const seconds = Math.round(silentMs / 1000);
    this.#end(
      new PageferryError('PEER_SILENT', `${this.peer} has said nothing for ${seconds} s`, {
        peer: this.peer,
      }),
    );
  }

  #end(error: PageferryError): void {
    if (this.#ended !== undefined) return;
    this.#finish(error);
    this.#socket.destroy();
    this.#options.onEnd?.(error);
  }

  #finish(error: PageferryError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    clearInterval(this.#beat);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** The error behind a peer's `failed` message, naming the peer. */
export function peerError(peer: string, code: string, message: string): PageferryError {
  const known = ERROR_CODES.find((candidate) => candidate === code);
  return new PageferryError(known ?? 'PROTOCOL', `${peer}: ${message}`, { peer });
}
