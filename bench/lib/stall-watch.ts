// When a core of this machine stood still, as the program says that watches for it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import * as v from 'valibot';
import { type Stall, stallSchema } from '../result/schema.js';
import { buildNative } from './native.js';

const seen = v.object({ stalls: v.array(stallSchema) });

class StallWatch {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #gone: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string, undefined>;
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
  async started(): Promise<void> {
    this.#isPermitted = (await this.#line()) === 'watching';
  }

  /** Ends it; answers the stalls, or null where watching is not permitted. */
  async stop(): Promise<Stall[] | null> {
    if (!this.#isPermitted) return null;
    this.#child.stdin.end();
    return v.parse(seen, JSON.parse(await this.#line())).stalls;
  }

  /** On return the process is gone. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {});
  }

  async #line(): Promise<string> {
    const { value } = await this.#lines.next();
    if (value !== undefined) return value;
    const [code, signal] = await this.#gone;
    throw new Error(`the watch for stalls ended with ${signal ?? code}`);
  }
}

/**
 * Answers what `use` does, as `answer`, and the `stalls` of this machine's cores meanwhile, ascending in
 * time, in milliseconds of the monotonic clock. `stalls` is null where real-time priority
 * is not permitted. On return, and when it rejects, the watch is gone.
 */
export async function watchStalls<Answer>(
  use: () => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly stalls: readonly Stall[] | null }> {
  const watch = new StallWatch();
  try {
    await watch.started();
    const answer = await use();
    return { answer, stalls: await watch.stop() };
  } finally {
    await watch.close();
  }
}
