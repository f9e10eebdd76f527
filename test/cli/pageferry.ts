/** Runs the built command in processes of its own, and leaves none behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../support/at-end.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const WAIT_MS = 40_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Pageferry {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  /** `wrapper`: a program and its arguments that runs the command which follows them. */
  constructor(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    wrapper: readonly string[] = [],
  ) {
    const [program = process.execPath, ...rest] = [...wrapper, process.execPath, MAIN, ...args];
    this.#child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child.stdout?.on('data', (data) => {
      this.#stdout += data;
    });
    this.#child.stderr?.on('data', (data) => {
      this.#stderr += data;
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    atEnd(async () => {
      this.signal('SIGKILL');
      await this.ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has said so far. */
  get stdout(): string {
    return this.#stdout;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Closes the reading ends of its pipes, as `| head` does. */
  stopReading(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Waits for something it says on either stream; answers the match. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    const deadline = performance.now() + WAIT_MS;
    while (performance.now() < deadline) {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (match !== null) return match;
      if (over) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`it never said ${pattern}:\n${this.#stdout}\n${this.#stderr}`);
  }
}

export async function pageferry(...args: string[]): Promise<Ended> {
  return await new Pageferry(args).ended;
}

export async function pageferryWithin(
  wrapper: readonly string[],
  ...args: string[]
): Promise<Ended> {
  return await new Pageferry(args, {}, wrapper).ended;
}

/** A destination on a free port, and its HOST:PORT. */
export async function startDestination(
  ...args: string[]
): Promise<{ destination: Pageferry; address: string }> {
  const destination = new Pageferry(['destination', '--listen', '127.0.0.1:0', ...args]);
  const [, address = ''] = await destination.says(/listening on (\S+?)[,;]/);
  return { destination, address };
}

/** False for a process that has ended, whether or not its parent has noticed. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** True when the process ends before a deadline that no healthy machine meets. */
export async function ends(pid: number): Promise<boolean> {
  const deadline = performance.now() + WAIT_MS;
  while (isAlive(pid) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return !isAlive(pid);
}
