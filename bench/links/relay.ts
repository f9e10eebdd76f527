// A link with a delay: a process of ours passes the bytes on. Kernels without netem cannot do it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import * as v from 'valibot';
import { buildNative } from '../lib/native.js';
import type { Link } from './link.js';
import type { RelayLink } from './wanted-link.js';

const US_PER_MS = 1000;

/** What it says once it listens. */
const listening = v.object({ port: v.number() });

class RelayProcess {
  /** Where it listens. */
  readonly port: Promise<number>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #gone: Promise<unknown[]>;

  constructor(program: string, port: number, rttMs: number) {
    const args = [port, Math.round(rttMs * US_PER_MS)].map(String);
    // It ends when its standard input does: also when the bench is killed.
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#gone = once(this.#child, 'exit');
    this.#gone.catch(() => {});
    this.port = this.#readPort();
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {});
  }

  async #readPort(): Promise<number> {
    const lines = createInterface({ input: this.#child.stdout });
    const ended = this.#gone.then(([code, signal]) => {
      throw new Error(`the relay ended with ${signal ?? code}`);
    });
    const [line]: unknown[] = await Promise.race([once(lines, 'line'), ended]);
    return v.parse(listening, JSON.parse(String(line))).port;
  }
}

export async function openRelay({ rttMs }: RelayLink): Promise<Link> {
  const program = buildNative('relay');
  /** By the port that they lead to. */
  const relays = new Map<number, RelayProcess>();
  return {
    prefix: () => [],
    listenHost: '127.0.0.1',
    async target(port) {
      const relay = relays.get(port) ?? new RelayProcess(program, port, rttMs);
      relays.set(port, relay);
      return { host: '127.0.0.1', port: await relay.port };
    },
    async close() {
      await Promise.all([...relays.values()].map((relay) => relay.close()));
    },
  };
}
