// One process of a migration, as the bench sees it.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SourcePhase } from '#engine/index.js';
import type {
  AgentMessage,
  CrowdMessage,
  CrowdTask,
  DestinationMessage,
  DestinationTask,
  Failed,
  SourceMessage,
  SourceTask,
} from '../agents/messages.js';
import { NODE_FLAGS } from './node-flags.js';

const agents = fileURLToPath(new URL('../agents/', import.meta.url));
const ANSWER_TIMEOUT_MS = 180_000;

/** What each agent is told, and what it says. */
interface Dialogues {
  readonly source: { readonly told: SourceTask | 'migrate'; readonly says: SourceMessage };
  readonly destination: { readonly told: DestinationTask; readonly says: DestinationMessage };
  readonly crowd: { readonly told: CrowdTask | 'leave'; readonly says: CrowdMessage };
}

/** The messages of an agent that are awaited. */
type Answer<Name extends keyof Dialogues> = Exclude<
  Dialogues[Name]['says'],
  { readonly type: 'failed' | 'phase' }
>;

interface Options {
  /** What the command line begins with: what puts the process into a network namespace. */
  readonly prefix?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Answers in messages; one of type `failed` is its error. */
export class AgentProcess<Name extends keyof Dialogues> extends EventEmitter<{
  phase: [phase: SourcePhase];
  progress: [];
}> {
  readonly #child: ChildProcess;
  readonly #name: Name;
  readonly #answers: AgentMessage[] = [];
  #failure: unknown;
  readonly #gone: Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#fail(this.#signal?.reason);

  constructor(name: Name, { prefix = [], signal }: Options = {}) {
    super();
    this.#name = name;
    const [command = process.execPath, ...args] = [
      ...prefix,
      ...[process.execPath, ...NODE_FLAGS, `${agents}${name}.js`],
    ];
    this.#child = spawn(command, args, { stdio: ['ignore', 2, 2, 'ipc'] });
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, exitSignal) => {
        this.#fail(new Error(`the ${this.#name} ended with ${exitSignal ?? code}`));
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#fail(error);
        resolve();
      });
    });
    // Our own program says nothing else.
    this.#child.on('message', (message) => this.#onMessage(message as AgentMessage));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: Dialogues[Name]['told']): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** The next message, which must be of this type. Rejects with what ended the process, or on abort. */
  async answer<Type extends Answer<Name>['type']>(
    type: Type,
  ): Promise<Extract<AgentMessage, { readonly type: Type }>> {
    const message = await this.#next(type);
    if (isOfType(message, type)) return message;
    throw new Error(`the ${this.#name} sent ${message.type} where ${type} was due`);
  }

  /** On return the process is gone. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  async #next(type: string): Promise<AgentMessage> {
    const late = setTimeout(() => {
      const seconds = ANSWER_TIMEOUT_MS / 1000;
      this.#fail(new Error(`the ${this.#name} has not said ${type} for ${seconds} s`));
    }, ANSWER_TIMEOUT_MS);
    try {
      for (;;) {
        const message = this.#answers.shift();
        if (message !== undefined) return message;
        if (this.#failure !== undefined) throw this.#failure;
        await once(this, 'progress');
      }
    } finally {
      clearTimeout(late);
    }
  }

  #onMessage(message: AgentMessage): void {
    if (message.type === 'failed') this.#failAs(message);
    else if (message.type === 'phase') this.emit('phase', message.phase);
    else this.#answers.push(message);
    this.emit('progress');
  }

  #failAs({ code, message }: Failed): void {
    this.#fail(Object.assign(new Error(`the ${this.#name}: ${message}`), { code }));
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason;
    this.emit('progress');
  }
}

function isOfType<Type extends string>(
  message: AgentMessage,
  type: Type,
): message is Extract<AgentMessage, { readonly type: Type }> {
  return message.type === type;
}
