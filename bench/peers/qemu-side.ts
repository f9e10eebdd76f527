// One side of a migration of QEMU's: the process and its monitor.
import { once } from 'node:events';
import { join } from 'node:path';
import * as v from 'valibot';
import { nowMs } from '../lib/clock.js';
import type { Side } from '../links/link.js';
import { type QemuOptions, QemuProcess } from './qemu-process.js';
import { MonitorClosed, type Qmp, type QmpEvent, QmpServer } from './qmp.js';

const FAILURES = ['failed', 'cancelled'];

const count = v.optional(v.number());

/** What `query-migrate` answers, as far as the bench reads it; the rest is kept. */
const progress = v.looseObject({
  status: v.optional(v.string()),
  'error-desc': v.optional(v.string()),
  'total-time': count,
  downtime: count,
  ram: v.optional(
    v.looseObject({ transferred: v.number(), normal: v.number(), duplicate: v.number() }),
  ),
  'socket-address': v.optional(v.array(v.looseObject({ port: v.optional(v.string()) }))),
});

export type QemuProgress = v.InferOutput<typeof progress>;

/** An event, and when it came: the marks are stamped with the same clock. */
export type SeenEvent = QmpEvent & { readonly atMs: number };

export function isStatus(wanted: string) {
  return ({ event, data }: QmpEvent) => event === 'MIGRATION' && data['status'] === wanted;
}

export interface StartOptions extends Omit<QemuOptions, 'name' | 'monitorSocket'> {
  /** For its files. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

export class QemuSide {
  readonly #name: Side;
  readonly #monitor = new QmpServer();
  #process: QemuProcess | undefined;
  #qmp: Qmp | undefined;
  readonly #events: SeenEvent[] = [];

  constructor(name: Side) {
    this.#name = name;
  }

  /** On return QEMU runs, takes commands and tells how its migration goes. Starts nothing once `signal` aborted. */
  async start({ dir, signal, ...options }: StartOptions): Promise<void> {
    const monitorSocket = join(dir, `monitor-${this.#name}`);
    signal.throwIfAborted();
    await this.#monitor.listen(monitorSocket);
    signal.throwIfAborted();
    this.#process = new QemuProcess({ name: this.#name, monitorSocket, ...options });
    this.#qmp = await this.#unlessGone(this.#monitor.connection());
    this.#qmp.on('event', (event) => this.#events.push({ ...event, atMs: nowMs() }));
  }

  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#unlessGone(this.#started.execute(command, args));
  }

  async progress(): Promise<QemuProgress> {
    return v.parse(progress, await this.execute('query-migrate'));
  }

  /** The first event like this, with `atMs`, once it has come. Throws QEMU's reason when its migration fails. */
  async sees(isWanted: (event: QmpEvent) => boolean): Promise<SeenEvent> {
    for (;;) {
      const seen = this.#events.find(isWanted);
      if (seen !== undefined) return seen;
      if (this.#events.some((event) => FAILURES.some((status) => isStatus(status)(event)))) {
        const { status, 'error-desc': reason } = await this.progress();
        throw new Error(
          `QEMU's migration ${status} on the ${this.#name}: ${reason ?? 'no reason'}`,
        );
      }
      await once(this.#started, 'event');
    }
  }

  /** When an event of this name came first, or null. */
  timeOf(name: string): number | null {
    return this.#events.find(({ event }) => event === name)?.atMs ?? null;
  }

  cpuSeconds(): number {
    return this.#process?.cpuSeconds() ?? 0;
  }

  /** On return the process is gone. */
  async close(): Promise<void> {
    this.#monitor.close();
    this.#qmp?.close();
    await this.#process?.close();
  }

  get #started(): Qmp {
    if (this.#qmp === undefined) throw new Error(`the ${this.#name} QEMU was not started`);
    return this.#qmp;
  }

  /** Why QEMU has gone is told by the end of its process, which comes after that of its monitor. */
  async #unlessGone<Answer>(asked: Promise<Answer>): Promise<Answer> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof MonitorClosed) await this.#process?.gone;
      throw error;
    }
  }
}
