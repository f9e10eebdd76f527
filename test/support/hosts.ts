/** Processes of their own for tests: something to kill. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DestinationOptions } from '../../src/destination/options.js';
import type { WorkloadOptions } from '../../src/guest/workload-guest.js';
import type { MigrationReport } from '../../src/metrics/report.js';
import type { Verification } from '../../src/native/workload.js';
import type { SourceOptions } from '../../src/source/options.js';
import { atEnd } from './at-end.js';
import { until } from './until.js';

export interface HostEvent {
  readonly event: string;
  readonly guest?: number;
  readonly code?: string;
  readonly message?: string;
  readonly phase?: string;
  readonly pagesSent?: number;
}

export interface HostMigration {
  readonly code?: string;
  readonly message?: string;
  readonly report: MigrationReport;
}

interface Answer {
  readonly call: number;
  readonly result?: unknown;
  readonly failure?: string;
}

export class Host {
  readonly events: HostEvent[] = [];
  readonly #child: ChildProcess;
  readonly #calls = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  #lastCall = 0;

  private constructor(wrapper: readonly string[]) {
    const [execPath = process.execPath, ...first] = wrapper;
    this.#child = fork(fileURLToPath(new URL('host-process.mjs', import.meta.url)), {
      serialization: 'advanced',
      execPath,
      // As `pageferry` runs: what is only given back by a collection of the idle heap then shows.
      execArgv: [
        ...(wrapper.length === 0 ? [] : [...first, process.execPath]),
        '--no-memory-reducer',
      ],
    });
    this.#child.on('message', (message: HostEvent | Answer) => this.#onMessage(message));
    this.#child.on('exit', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('the process is gone'));
      this.#calls.clear();
    });
  }

  /** `wrapper`: a program and its arguments that becomes the command which follows them. */
  static async start(wrapper: readonly string[] = []): Promise<Host> {
    const host = new Host(wrapper);
    atEnd(() => host.kill());
    await host.event('started');
    return host;
  }

  /** From here on the process has no privileges. */
  becomeNobody(): Promise<void> {
    return this.#call('becomeNobody', []) as Promise<void>;
  }

  listen(options: Partial<DestinationOptions> = {}): Promise<number> {
    return this.#call('listen', [options]) as Promise<number>;
  }

  /** Takes any memory for a guest that does nothing. */
  listenForAnything(options: Partial<DestinationOptions> = {}): Promise<number> {
    return this.#call('listenForAnything', [options]) as Promise<number>;
  }

  createGuest(options: WorkloadOptions): Promise<number> {
    return this.#call('createGuest', [options]) as Promise<number>;
  }

  /** `noThreadFrom`: from that phase on the process can start no thread, by that file of a thread limit. */
  migrate(
    guest: number,
    options: SourceOptions,
    noThreadFrom?: { readonly phase: string; readonly limit: string },
  ): Promise<HostMigration> {
    return this.#call('migrate', [guest, options, noThreadFrom]) as Promise<HostMigration>;
  }

  operations(guest: number): Promise<number> {
    return this.#call('operations', [guest]) as Promise<number>;
  }

  verify(guest: number): Promise<Verification> {
    return this.#call('verify', [guest]) as Promise<Verification>;
  }

  block(guest: number, ms: number): Promise<number[]> {
    return this.#call('block', [guest, ms]) as Promise<number[]>;
  }

  /** The first event of this name (and phase), from the process's start on. */
  async event(
    name: string,
    matches: (event: HostEvent) => boolean = () => true,
  ): Promise<HostEvent> {
    const found = () => this.events.find((one) => one.event === name && matches(one));
    await until(`event ${name}`, () => found() !== undefined);
    return found() as HostEvent;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** By its pid; the process has no say in it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await until(
      'the process ends',
      () => this.#child.exitCode !== null || this.#child.signalCode !== null,
    );
  }

  #call(method: string, args: unknown[]): Promise<unknown> {
    this.#lastCall += 1;
    const call = this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#child.send({ call, method, args });
    });
  }

  #onMessage(message: HostEvent | Answer): void {
    if ('event' in message) {
      this.events.push(message);
      return;
    }
    const waiting = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    if (message.failure === undefined) waiting?.resolve(message.result);
    else waiting?.reject(new Error(message.failure));
  }
}
