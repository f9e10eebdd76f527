// A link with a delay: a process of ours passes the bytes on. Kernels without netem cannot do it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { buildNative } from '../lib/native.mjs';

const US_PER_MS = 1000;

class RelayProcess {
  #child;
  #gone;

  constructor(program, port, rttMs) {
    const args = [port, Math.round(rttMs * US_PER_MS)].map(String);
    // It ends when its standard input does: also when the bench is killed.
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#gone = once(this.#child, 'exit');
    this.#gone.catch(() => {});
    this.port = this.#readPort();
  }

  async close() {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {});
  }

  async #readPort() {
    const lines = createInterface({ input: this.#child.stdout });
    const ended = this.#gone.then(([code, signal]) => {
      throw new Error(`the relay ended with ${signal ?? code}`);
    });
    const [line] = await Promise.race([once(lines, 'line'), ended]);
    return JSON.parse(line).port;
  }
}

export async function openRelay({ rttMs }) {
  const program = buildNative('relay');
  /** By the port that they lead to. */
  const relays = new Map();
  return {
    prefix: () => [],
    listenHost: '127.0.0.1',
    async target(port) {
      if (!relays.has(port)) relays.set(port, new RelayProcess(program, port, rttMs));
      return { host: '127.0.0.1', port: await relays.get(port).port };
    },
    async close() {
      await Promise.all([...relays.values()].map((relay) => relay.close()));
    },
  };
}
