// Where a program of the corpus runs: a temporary folder, and every process that was started in it. None outlives it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { saidBy } from '../lib/errors.js';

const READY_MS = 180_000;
const END_MS = 15_000;
const POLL_MS = 100;
const MOST_SAID = 2000;

/** Where it runs as somebody else. */
export interface RunsAs {
  readonly uid?: number;
  readonly gid?: number;
}

/** Not installed, or cannot run here: the reason is the message. */
export class Unavailable extends Error {}

/** The path of a program, in the folders of PATH and in those `besides`. Throws Unavailable. */
export function findProgram(name: string, debianPackage: string, besides: readonly string[] = []) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...besides];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Unavailable(
    `${name} is not installed: apt-get install --no-install-recommends ${debianPackage}`,
  );
}

/** The process and those that it has started, and those have. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found;
}

/** Undefined for a process that has ended. */
function parentOf(pid: number): number | undefined {
  try {
    const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return parent === undefined ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

function killOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** A child that is killed by the kernel when this process ends, however it does; where there is setpriv. */
function tied(program: string, args: readonly string[]): [string, readonly string[]] {
  try {
    return [findProgram('setpriv', 'util-linux'), ['--pdeathsig', 'KILL', program, ...args]];
  } catch {
    return [program, args];
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly signal: NodeJS.Signals;
}

export class Place {
  readonly folder: string;
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal;
  readonly #as: RunsAs;
  readonly #running: Running[] = [];
  readonly #said = new WeakMap<ChildProcess, string>();
  /** This process may be told to exit at once. */
  readonly #clear = (): void => {
    for (const { child } of this.#running) this.#killAll(child);
    rmSync(this.folder, { recursive: true, force: true });
  };

  constructor(signal: AbortSignal, as: RunsAs = {}) {
    this.signal = signal;
    this.#as = as;
    this.folder = mkdtempSync(join(tmpdir(), 'pageferry-corpus-'));
    if (as.uid !== undefined) chownSync(this.folder, as.uid, as.gid ?? as.uid);
    process.once('exit', this.#clear);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Runs until end(), which sends it `signal`. */
  start(program: string, args: readonly string[], signal: NodeJS.Signals = 'SIGTERM') {
    const child = spawn(...tied(program, args), { ...this.#as, cwd: this.folder, stdio: 'pipe' });
    this.#running.push({ child, signal });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        this.#said.set(child, `${this.#said.get(child) ?? ''}${text}`.slice(-MOST_SAID));
      });
    }
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    return child;
  }

  /** To its end; answers what it printed. */
  async run(program: string, args: readonly string[]): Promise<string> {
    this.signal.throwIfAborted();
    const options = { ...this.#as, cwd: this.folder, signal: this.signal };
    try {
      return (await promisify(execFile)(program, args, options)).stdout;
    } catch (error) {
      this.signal.throwIfAborted();
      const { message, stderr } = saidBy(error);
      throw new Error(stderr.split('\n').at(-1) || message);
    }
  }

  /** Tries until it answers something; what it throws counts as nothing. */
  async poll<Answer>(what: string, attempt: () => Answer | Promise<Answer>) {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      this.signal.throwIfAborted();
      const answer = await Promise.resolve()
        .then(attempt)
        .catch(() => undefined);
      if (answer) return answer;
      const dead = this.#running.find(({ child }) => hasEnded(child));
      if (dead !== undefined || performance.now() > deadline) {
        throw new Error(`${what}: ${dead === undefined ? 'nothing came' : this.#lastWords(dead)}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Until it has printed `ready`. */
  async ready(what: string, child: ChildProcess): Promise<void> {
    await this.poll(`${what} does not get ready`, () =>
      /^ready\r?$/m.test(this.#said.get(child) ?? ''),
    );
  }

  /** On return nothing of it is left. What was started last ends first. */
  async end(): Promise<void> {
    process.off('exit', this.#clear);
    for (const { child, signal } of this.#running.reverse()) {
      if (child.pid === undefined) continue;
      const all = descendantsOf(child.pid);
      if (!hasEnded(child)) {
        const ended = once(child, 'exit');
        child.kill(signal);
        const late = setTimeout(() => this.#killAll(child), END_MS);
        await ended;
        clearTimeout(late);
      }
      // Those that it has not ended itself.
      for (const pid of all.slice(1)) killOne(pid, 'SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #killAll({ pid }: ChildProcess): void {
    if (pid !== undefined) for (const one of descendantsOf(pid)) killOne(one, 'SIGKILL');
  }

  #lastWords({ child }: Running): string {
    const said = (this.#said.get(child) ?? '').trim().split('\n').at(-1);
    return said || `it ended with ${child.signalCode ?? child.exitCode}`;
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
