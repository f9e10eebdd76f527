/** A process of the demo, as the demo sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PageferryError } from '../../errors.js';
import type { ErrorMessage } from './messages.js';

/** How long a process may take to end after its channel was closed. */
const END_MS = 2000;

function gone(name: string, how: string): PageferryError {
  return new PageferryError('PEER_GONE', `the ${name} process ended: ${how}`);
}

/**
 * The terminal's Ctrl-C reaches this process too. It ignores that as soon as it runs (serveParent). One that ends of it
 * was still starting, so it had no guest.
 */
function endOf(name: string, code: number | null, signal: NodeJS.Signals | null): PageferryError {
  return signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP'
    ? new PageferryError('CANCELLED', `cancelled while the ${name} process started`)
    : gone(name, signal ?? `exit code ${code}`);
}

/**
 * Runs one module as a process of its own. It ends with the demo, however the demo ends: it watches the
 * channel between the two.
 */
export class DemoProcess<In, Out extends { readonly type: string }> {
  readonly name: string;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<(error: PageferryError) => void>();
  readonly #listeners = new Set<(message: Out) => void>();
  #ended: PageferryError | undefined;

  constructor(name: string, module: string) {
    this.name = name;
    this.#child = fork(fileURLToPath(new URL(module, import.meta.url)), {
      // Its stdout is ours to keep clean; what it says on stderr is a crash and must be seen.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.exited = new Promise((resolve) => {
      const onEnd = (error: PageferryError): void => {
        this.#fail(error);
        resolve();
      };
      this.#child.once('exit', (code, signal) => onEnd(endOf(name, code, signal)));
      this.#child.once('error', (error) => onEnd(gone(name, error.message)));
    });
    this.#child.on('message', (message) => this.#onMessage(message as Out | ErrorMessage));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Why it has ended; undefined while it runs. */
  get ended(): PageferryError | undefined {
    return this.#ended;
  }

  onMessage(listener: (message: Out) => void): void {
    this.#listeners.add(listener);
  }

  send(message: In & object): void {
    // A process that has just ended is reported by its exit; a lost message adds nothing.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** The first message that `pick` takes. Rejects with the process's error, or PEER_GONE when it ends. */
  next<T>(pick: (message: Out) => T | undefined): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const onError = (error: PageferryError): void => {
        stop();
        reject(error);
      };
      const onMessage = (message: Out): void => {
        const picked = pick(message);
        if (picked === undefined) return;
        stop();
        resolve(picked);
      };
      const stop = (): void => {
        this.#listeners.delete(onMessage);
        this.#waiting.delete(onError);
      };
      this.#listeners.add(onMessage);
      this.#waiting.add(onError);
    });
  }

  /** Ends it. On return it is gone. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.kill(), END_MS);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #onMessage(message: Out | ErrorMessage): void {
    if (message.type === 'error') {
      const { code, message: text } = message as ErrorMessage;
      this.#rejectAll(new PageferryError(code, text));
    } else {
      for (const listener of [...this.#listeners]) listener(message as Out);
    }
  }

  #fail(error: PageferryError): void {
    this.#ended = error;
    this.#rejectAll(error);
  }

  #rejectAll(error: PageferryError): void {
    for (const reject of [...this.#waiting]) reject(error);
  }
}
