// When a core of this machine stood still, as the program says that watches for it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { buildNative } from './native.mjs';

class StallWatch {
  #child;
  #gone;
  #lines;
  #isPermitted = false;

  constructor() {
    // It ends when its standard input does: also when the bench is killed.
    this.#child = spawn(buildNative('stall-watch'), { stdio: ['pipe', 'pipe', 'inherit'] });
    // Where watching is not permitted it is gone before its input ends.
    this.#child.stdin.on('error', () => {});
    this.#gone = once(this.#child, 'exit');
    this.#gone.catch(() => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Until every core is watched, or it is known that none can be. */
  async started() {
    this.#isPermitted = (await this.#line()) === 'watching';
  }

  /** Ends it; answers the stalls, or null where watching is not permitted. */
  async stop() {
    if (!this.#isPermitted) return null;
    this.#child.stdin.end();
    return JSON.parse(await this.#line()).stalls;
  }

  /** On return the process is gone. */
  async close() {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {});
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (!done) return value;
    const [code, signal] = await this.#gone;
    throw new Error(`the watch for stalls ended with ${signal ?? code}`);
  }
}

/**
 * Answers what `use` does, as `answer`, and the `stalls` of this machine's cores meanwhile, ascending in
 * time: { core, atMs, ms }, in milliseconds of the monotonic clock. `stalls` is null where real-time priority
 * is not permitted. On return, and when it rejects, the watch is gone.
 */
export async function watchStalls(use) {
  const watch = new StallWatch();
  try {
    await watch.started();
    const answer = await use();
    return { answer, stalls: await watch.stop() };
  } finally {
    await watch.close();
  }
}
