// One side of a migration of QEMU's: the process and its monitor.
import { once } from 'node:events';
import { join } from 'node:path';
import { QemuProcess } from './qemu-process.mjs';
import { MonitorClosed, QmpServer } from './qmp.mjs';

const FAILURES = ['failed', 'cancelled'];

/** Milliseconds of the monotonic clock, which stamps the marks too. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function isStatus(wanted) {
  return ({ event, data }) => event === 'MIGRATION' && data.status === wanted;
}

export class QemuSide {
  #name;
  #monitor = new QmpServer();
  #process;
  #qmp;
  #events = [];

  constructor(name) {
    this.#name = name;
  }

  /** On return QEMU runs, takes commands and tells how its migration goes. Starts nothing once `signal` aborted. */
  async start({ dir, signal, ...options }) {
    const monitorSocket = join(dir, `monitor-${this.#name}`);
    signal.throwIfAborted();
    await this.#monitor.listen(monitorSocket);
    signal.throwIfAborted();
    this.#process = new QemuProcess({ name: this.#name, monitorSocket, ...options });
    this.#qmp = await this.#unlessGone(this.#monitor.connection());
    this.#qmp.on('event', (event) => this.#events.push({ ...event, atMs: nowMs() }));
  }

  async execute(command, args) {
    return await this.#unlessGone(this.#qmp.execute(command, args));
  }

  /** The first event like this, with `atMs`, once it has come. Throws QEMU's reason when its migration fails. */
  async sees(isWanted) {
    for (;;) {
      const seen = this.#events.find(isWanted);
      if (seen !== undefined) return seen;
      if (this.#events.some((event) => FAILURES.some((status) => isStatus(status)(event)))) {
        const { status, 'error-desc': reason } = await this.execute('query-migrate');
        throw new Error(
          `QEMU's migration ${status} on the ${this.#name}: ${reason ?? 'no reason'}`,
        );
      }
      await once(this.#qmp, 'event');
    }
  }

  /** When an event of this name came first, or null. */
  timeOf(name) {
    return this.#events.find(({ event }) => event === name)?.atMs ?? null;
  }

  cpuSeconds() {
    return this.#process.cpuSeconds();
  }

  /** On return the process is gone. */
  async close() {
    this.#monitor.close();
    this.#qmp?.close();
    await this.#process?.close();
  }

  /** Why QEMU has gone is told by the end of its process, which comes after that of its monitor. */
  async #unlessGone(asked) {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof MonitorClosed) await this.#process.gone;
      throw error;
    }
  }
}
