/**
 * The control channel: typed messages over one connection, and a peer that is watched.
 *
 * Any end of the channel (lost, silent, nonsense received) is one PageferryError, given to whoever waits in
 * receive() and to `onEnd`, once. Whoever has the channel then closes it.
 *
 * What a peer can make us keep is bounded. Messages that nobody has received yet: then the stream is not read until
 * somebody has. Messages that the peer does not take: then it counts as gone.
 */
import { ERROR_CODES, PageferryError } from '../errors.js';
import type { Connection } from '../native/connections.js';
import { ControlStream } from './control-stream.js';
import { encodeFrame, FrameDecoder, FrameTooLong, MAX_MESSAGE_BYTES } from './framing.js';
import { MAX_TEXT, MessageRefused, shortened } from './messages.js';

const ALIVE_EVERY_MS = 250;
/** Messages that wait for receive() before the stream is left unread. */
export const MAX_WAITING = 64;
/** Bytes of messages that wait for the peer, a long message apart. */
export const MAX_UNTAKEN_BYTES = 262_144;
/** What was said before the channel was closed gets so long to go out. */
export const LAST_WORDS_MS = 1000;

export interface ChannelOptions<In> {
  /** Throws MessageRefused; undefined for a message to skip. */
  readonly parse: (value: unknown) => In | undefined;
  /** Nothing heard for this long: the peer counts as gone. */
  readonly stallMs: number;
  readonly onEnd?: (error: PageferryError) => void;
}

export class ControlChannel<Out extends { type: string }, In extends { type: string }> {
  readonly peer: string;
  /** Settles once nothing of the channel is left: no connection, no timer. */
  readonly closed: Promise<void>;
  readonly #stream: ControlStream;
  readonly #options: ChannelOptions<In>;
  readonly #decoder = new FrameDecoder();
  readonly #arrived: In[] = [];
  #waiting: { resolve: (message: In) => void; reject: (error: Error) => void } | undefined;
  #ended: PageferryError | undefined;
  #heardAt = performance.now();
  #untakenBytes = 0;
  /** The type of message that may be longer than others now. */
  #long: In['type'] | undefined;
  #beat: NodeJS.Timeout;
  #late: NodeJS.Timeout | undefined;

  constructor(connection: Connection, options: ChannelOptions<In>) {
    this.peer = connection.peer;
    this.#options = options;
    const { promise, resolve } = withResolve();
    this.closed = promise;
    this.#stream = new ControlStream(connection, {
      onData: (chunk) => this.#onData(chunk),
      onClose: (error) => {
        clearTimeout(this.#late);
        this.#end(this.#gone(error));
        resolve();
      },
    });
    this.#beat = setInterval(() => this.#onBeat(), ALIVE_EVERY_MS);
    this.#beat.unref();
  }

  /** The next message of this type may have so many bytes; all others are short. */
  expectLong(type: In['type'], bytes: number): void {
    this.#long = type;
    this.#decoder.maxBytes = Math.max(bytes, MAX_MESSAGE_BYTES);
  }

  #expectShort(): void {
    this.#long = undefined;
    this.#decoder.maxBytes = MAX_MESSAGE_BYTES;
  }

  /**
   * Queues a message, its texts cut to what a message may hold. A channel that was lost or closed ignores it: who waits
   * for the answer learns why. A peer that sent nonsense can still be told so.
   */
  send(message: Out): void {
    if (!this.#stream.isWritable) return;
    const frame = encodeFrame(withShortTexts(message));
    const counted = frame.byteLength <= MAX_MESSAGE_BYTES ? frame.byteLength : 0;
    this.#untakenBytes += counted;
    this.#stream.write(frame, () => {
      this.#untakenBytes -= counted;
    });
    if (this.#untakenBytes <= MAX_UNTAKEN_BYTES) return;
    this.#end(
      new PageferryError('PEER_SILENT', `${this.peer} does not read what it is sent`, {
        peer: this.peer,
      }),
    );
  }

  /** The next message. Rejects with the channel's end. One caller at a time. */
  receive(): Promise<In> {
    const message = this.#arrived.shift();
    if (message !== undefined) {
      this.#deliver();
      return Promise.resolve(message);
    }
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /**
   * Ends the channel once what was sent has gone out and the peer has closed its end too, or after a second. Idempotent.
   */
  close(): void {
    this.#finish(new PageferryError('PEER_GONE', 'the control channel was closed here'));
    if (!this.#stream.isWritable) return;
    this.#late = setTimeout(() => this.#stream.close(), LAST_WORDS_MS);
    this.#stream.end();
    // What comes now is read and forgotten: bytes left unread would reset the connection, and the last words with it.
    this.#stream.resume();
  }

  #gone(cause?: unknown): PageferryError {
    return new PageferryError('PEER_GONE', `lost the connection to ${this.peer}`, {
      peer: this.peer,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #onData(chunk: Buffer): void {
    this.#heardAt = performance.now();
    if (this.#ended !== undefined) return;
    this.#decoder.push(chunk);
    this.#deliver();
  }

  /** Hands out what has come, and reads on when little of it waits. */
  #deliver(): void {
    if (this.#ended !== undefined) return;
    try {
      while (this.#arrived.length < MAX_WAITING) {
        const frame = this.#decoder.next();
        if (frame === undefined) {
          this.#readOn();
          return;
        }
        const message = this.#options.parse(frame.value);
        if (frame.bytes > MAX_MESSAGE_BYTES && message?.type !== this.#long) {
          const what = message?.type ?? 'that is not known';
          throw new MessageRefused(`message ${what} of ${frame.bytes} bytes`);
        }
        if (message === undefined) continue;
        if (message.type === this.#long) this.#expectShort();
        if (message.type !== 'alive') this.#handOver(message);
      }
      this.#stream.pause();
    } catch (error) {
      const explained = error instanceof MessageRefused || error instanceof FrameTooLong;
      const reason = explained ? error.message : 'a frame that is not ours';
      const details = { peer: this.peer, cause: error };
      this.#stop(new PageferryError('PROTOCOL', `${this.peer} sent ${reason}`, details));
    }
  }

  #readOn(): void {
    if (!this.#stream.isPaused) return;
    // While we did not read, the peer was not silent.
    this.#heardAt = performance.now();
    this.#stream.resume();
  }

  #handOver(message: In): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(message);
    else waiting.resolve(message);
  }

  #onBeat(): void {
    // Should our own event loop have been blocked, then what came meanwhile is read before this runs.
    if (this.#silentMs() > this.#options.stallMs) setImmediate(() => this.#checkSilence());
    // What waits to be taken says as much.
    if (!this.#stream.hasUnsent) this.send({ type: 'alive' } as Out);
  }

  #silentMs(): number {
    return this.#stream.isPaused ? 0 : performance.now() - this.#heardAt;
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
    this.#stop(error);
    this.#stream.close();
  }

  /** Nothing is taken from the peer any more. Closing is up to whoever has the channel. */
  #stop(error: PageferryError): void {
    this.#finish(error);
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

function withResolve(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** What an error says may quote a guest or another program, at any length. */
function withShortTexts<M extends { type: string }>(message: M): M {
  const entries = Object.entries(message);
  if (entries.every(([, value]) => typeof value !== 'string' || value.length <= MAX_TEXT)) {
    return message;
  }
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? shortened(value) : value]),
  ) as M;
}

/** The error behind a peer's `failed` message, naming the peer. */
export function peerError(peer: string, code: string, message: string): PageferryError {
  const known = ERROR_CODES.find((candidate) => candidate === code);
  return new PageferryError(known ?? 'PROTOCOL', `${peer}: ${message}`, { peer });
}
