// QEMU's monitor: JSON lines over a Unix socket to which QEMU connects.
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** QEMU closed its monitor: it is about to end, or has. */
export class MonitorClosed extends Error {
  constructor() {
    super('QEMU has gone');
  }
}

/** Waits for one QEMU to connect. Bound before QEMU starts, so there is nothing to retry. */
export class QmpServer {
  #server = createServer();
  #connected;

  async listen(path) {
    this.#connected = once(this.#server, 'connection');
    this.#connected.catch(() => {});
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  /** The monitor, ready for commands. */
  async connection() {
    const [socket] = await this.#connected;
    const qmp = new Qmp(socket);
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  close() {
    this.#server.close();
  }
}

/** Emits `event` with what QEMU tells by itself: `{ event, data, timestamp }`. */
export class Qmp extends EventEmitter {
  #socket;
  #pending = new Map();
  #lastId = 0;

  constructor(socket) {
    super();
    this.#socket = socket;
    const lines = createInterface(socket);
    lines.on('line', (line) => this.#onMessage(JSON.parse(line)));
    // A QEMU that is killed may reset the connection, which both tell. That it closes is enough.
    lines.on('error', () => {});
    socket.on('error', () => {});
    socket.once('close', () => {
      for (const { reject } of this.#pending.values()) reject(new MonitorClosed());
      this.#pending.clear();
    });
  }

  /** Answers what the command returns. */
  async execute(command, args = {}) {
    if (this.#socket.destroyed) throw new MonitorClosed();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => {
      this.#pending.set(id, { command, resolve, reject });
    });
    this.#socket.write(JSON.stringify({ execute: command, arguments: args, id }));
    return await answer;
  }

  close() {
    this.#socket.destroy();
  }

  #onMessage(message) {
    if (message.event !== undefined) {
      this.emit('event', message);
      return;
    }
    const waiting = this.#pending.get(message.id);
    if (waiting === undefined) return;
    this.#pending.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.return);
    else waiting.reject(new Error(`QEMU refused ${waiting.command}: ${message.error.desc}`));
  }
}
