// A source and a destination, each a process of its own, for one migration.
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';

const agents = fileURLToPath(new URL('../agents/', import.meta.url));
const ANSWER_TIMEOUT_MS = 180_000;

/** A child that answers in messages `{ type, … }`; a message of type `failed` is its error. */
class Agent extends EventEmitter {
  #child;
  #answers = [];
  #failure;

  constructor(file) {
    super();
    this.#child = fork(`${agents}${file}`, { stdio: ['ignore', 2, 2, 'ipc'] });
    this.#child.on('message', (message) => {
      if (message.type === 'failed') this.#fail(new Error(`${file}: ${message.message}`));
      else if (message.type === 'phase') this.emit('phase', message.phase);
      else this.#answers.push(message);
      this.emit('progress');
    });
    this.#child.once('exit', (code, signal) =>
      this.#fail(new Error(`${file} ended with ${signal ?? code}`)),
    );
  }

  get pid() {
    return this.#child.pid;
  }

  send(message) {
    this.#child.send(message);
  }

  /** The next message, which must be of this type. */
  async answer(type) {
    const late = setTimeout(
      () => this.#fail(new Error(`no ${type} within ${ANSWER_TIMEOUT_MS / 1000} s`)),
      ANSWER_TIMEOUT_MS,
    );
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
    throw new Error(`the agent sent ${message.type} where ${type} was due`);
  }

  #fail(error) {
    this.#failure ??= error;
    this.emit('progress');
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/**
 * Migrates a guest once, in two fresh processes, and answers what both saw.
 *
 * `guest` is what agents/source.mjs makes; `source` are the source's options and `destination` the
 * destination's. `onPhase(phase, pids)` is told each phase of the source.
 */
export async function migrateOnce({ guest, source, destination = {}, onPhase }) {
  const there = new Agent('destination.mjs');
  const here = new Agent('source.mjs');
  const pids = { source: here.pid, destination: there.pid };
  if (onPhase !== undefined) here.on('phase', (phase) => onPhase(phase, pids));
  try {
    there.send({ type: 'listen', guest, destination });
    const { port } = await there.answer('listening');
    here.send({
      type: 'migrate',
      guest,
      source: { ...source, host: '127.0.0.1', port },
      announcePhases: onPhase !== undefined,
    });
    const [sent, arrived] = await Promise.all([here.answer('migrated'), there.answer('arrived')]);
    if (source.verify && sent.report.guestVerified !== true) {
      throw new Error(`the guest differs: ${JSON.stringify(sent.report.verification)}`);
    }
    return { report: sent.report, source: sent, destination: arrived };
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
}
