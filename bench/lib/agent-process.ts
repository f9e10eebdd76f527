// One process of a migration, as the bench sees it.
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from './node-flags.mjs';

const agents = fileURLToPath(new URL('../agents/', import.meta.url));
const ANSWER_TIMEOUT_MS = 180_000;

/** Answers in messages `{ type, … }`; a message of type `failed` is its error. */
export class AgentProcess extends EventEmitter {
  #child;
  #name;
  #answers = [];
  #failure;
  #gone;
  #signal;
  #onAbort = () => this.#fail(this.#signal.reason);

  /** `prefix` is what the command line begins with: what puts the process into a network namespace. */
  constructor(file, { prefix = [], signal } = {}) {
    super();
    this.#name = file.replace('.mjs', '');
    const [command, ...args] = [...prefix, process.execPath, ...NODE_FLAGS, `${agents}${file}`];
    this.#child = spawn(command, args, { stdio: ['ignore', 2, 2, 'ipc'] });
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, exitSignal) => {
        this.#fail(new Error(`the ${this.#name} ended with ${exitSignal ?? code}`));
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#fail(error);
        resolve();
      });
    });
    this.#child.on('message', (message) => this.#onMessage(message));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  get pid() {
    return this.#child.pid;
  }

  send(message) {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** The next message, which must be of this type. Rejects with what ended the process, or on abort. */
  async answer(type, timeoutMs = ANSWER_TIMEOUT_MS) {
    const late = setTimeout(() => {
      this.#fail(new Error(`the ${this.#name} has not said ${type} for ${timeoutMs / 1000} s`));
    }, timeoutMs);
    try {
      while (this.#answers.length === 0) {
        if (this.#failure !== undefined) throw this.#failure;
        await once(this, 'progress');
      }
    } finally {
      clearTimeout(late);
    }
    const message = this.#answers.shift();
    if (message.type === type) return message;
    throw new Error(`the ${this.#name} sent ${message.type} where ${type} was due`);
  }

  /** On return the process is gone. */
  async close() {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  #onMessage(message) {
    if (message.type === 'failed') this.#failAs(message);
    else if (message.type === 'phase') this.emit('phase', message.phase);
    else this.#answers.push(message);
    this.emit('progress');
  }

  #failAs({ code, message }) {
    this.#fail(Object.assign(new Error(`the ${this.#name}: ${message}`), { code }));
  }

  #fail(error) {
    this.#failure ??= error;
    this.emit('progress');
  }
}
