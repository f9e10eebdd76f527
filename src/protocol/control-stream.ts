/**
 * One connection's bytes, read and written by JavaScript: what is sent waits its turn, and what comes is read while
 * somebody wants it.
 */
import { errnoOf, nativeCode } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Connection, ControlStream as NativeStream } from '../native/connections.js';

export interface ControlStreamEvents {
  readonly onData: (chunk: Buffer) => void;
  /** Nothing comes and nothing goes any more; called once. Without an error the peer has ended its side. */
  readonly onClose: (error?: Error) => void;
}

/** Read without a look at anything else; then others have their turn. */
const MOST_CHUNKS_AT_ONCE = 16;

interface Unsent {
  readonly bytes: Uint8Array;
  readonly onSent: () => void;
}

export class ControlStream {
  readonly #native: NativeStream;
  readonly #events: ControlStreamEvents;
  readonly #unsent: Unsent[] = [];
  #isPaused = false;
  #isEnding = false;
  #hasEnded = false;
  #peerHasEnded = false;
  #isClosed = false;

  constructor(connection: Connection, events: ControlStreamEvents) {
    this.#events = events;
    this.#native = binding.openControl(connection, (readable, writable) => {
      if (writable) this.#flush();
      if (readable) this.#read();
    });
    this.#watch();
  }

  /** False once end() or close() was called, or the connection was lost. */
  get isWritable(): boolean {
    return !this.#isEnding && !this.#isClosed;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Sends the bytes after those that wait; `onSent` once the kernel has them. Ignored when it is not writable. */
  write(bytes: Uint8Array, onSent: () => void): void {
    if (!this.isWritable) return;
    this.#unsent.push({ bytes, onSent });
    if (this.#unsent.length === 1) this.#flush();
  }

  /** Nothing is read from here on: the peer is held back once the kernel's buffers are full. */
  pause(): void {
    this.#isPaused = true;
    this.#watch();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#watch();
    // What the native stream holds already makes no descriptor ready.
    setImmediate(() => this.#read());
  }

  /** Once what waits was sent, tells the peer that nothing more comes. Closes when the peer has ended too. */
  end(): void {
    if (!this.isWritable) return;
    this.#isEnding = true;
    this.#flush();
  }

  /** At once; what waits is not sent. Idempotent. */
  close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsent.length = 0;
    this.#native.close();
    this.#events.onClose(error);
  }

  get #isReading(): boolean {
    return !this.#isPaused && !this.#peerHasEnded && !this.#isClosed;
  }

  #watch(): void {
    if (this.#isClosed) return;
    this.#native.watch(this.#isReading, this.hasUnsent);
  }

  #flush(): void {
    if (this.#isClosed) return;
    try {
      for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
        const sent = this.#native.send(next.bytes);
        if (sent < next.bytes.byteLength) {
          if (sent > 0) this.#unsent[0] = { ...next, bytes: next.bytes.subarray(sent) };
          break;
        }
        this.#unsent.shift();
        next.onSent();
      }
      if (this.#isEnding && !this.#hasEnded && !this.hasUnsent) {
        this.#hasEnded = true;
        this.#native.endSending();
      }
    } catch (error) {
      this.#lost(error as Error);
      return;
    }
    if (this.#peerHasEnded && !this.hasUnsent) this.close();
    else this.#watch();
  }

  /** Nothing goes any more. What the peer has said before may wait to be read, and says why. */
  #lost(error: Error): void {
    this.#isEnding = true;
    this.#unsent.length = 0;
    this.#read();
    setImmediate(() => this.close(error));
  }

  #read(): void {
    for (let chunks = 0; this.#isReading; chunks += 1) {
      if (chunks === MOST_CHUNKS_AT_ONCE) {
        setImmediate(() => this.#read());
        return;
      }
      const chunk = this.#receive();
      if (chunk === null) return;
      this.#events.onData(chunk);
    }
  }

  /** Null when nothing has come, and when nothing will. */
  #receive(): Buffer | null {
    try {
      return this.#native.receive();
    } catch (error) {
      this.#peerHasEnded = true;
      this.#watch();
      const hasEnded = nativeCode(error) === 'PEER_CLOSED' && errnoOf(error) === '';
      // Whoever waits for the last message deals with it first: its promise settles before this runs.
      setImmediate(() => {
        if (!hasEnded) this.close(error as Error);
        else if (!this.hasUnsent) this.close();
      });
      return null;
    }
  }
}
