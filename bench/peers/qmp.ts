// QEMU's monitor: JSON lines over a Unix socket to which QEMU connects.
import { EventEmitter, once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as v from 'valibot';

/** What QEMU tells by itself. */
const event = v.looseObject({
  event: v.string(),
  data: v.optional(v.record(v.string(), v.unknown()), {}),
});
/** What it says of a command; what greets is neither. */
const answer = v.looseObject({
  id: v.number(),
  return: v.optional(v.unknown()),
  error: v.optional(v.looseObject({ desc: v.string() })),
});

export type QmpEvent = v.InferOutput<typeof event>;

interface Waiting {
  readonly command: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU closed its monitor: it is about to end, or has. */
export class MonitorClosed extends Error {
  constructor() {
    super('QEMU has gone');
  }
}

/** QEMU does not do a command, and says why. */
export class Refused extends Error {
  constructor(command: string, why: string) {
    super(`QEMU refused ${command}: ${why}`);
  }
}

/** Waits for one QEMU to connect. Bound before QEMU starts, so there is nothing to retry. */
export class QmpServer {
  readonly #server = createServer();
  readonly #connected: Promise<Socket[]> = once(this.#server, 'connection');

  async listen(path: string): Promise<void> {
    this.#connected.catch(() => {});
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  /** The monitor, ready for commands. */
  async connection(): Promise<Qmp> {
    const [socket] = await this.#connected;
    if (socket === undefined) throw new MonitorClosed();
    const qmp = new Qmp(socket);
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  close(): void {
    this.#server.close();
  }
}

/** Emits `event` with what QEMU tells by itself. */
export class Qmp extends EventEmitter<{ event: [event: QmpEvent] }> {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Waiting>();
  #lastId = 0;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const lines = createInterface(socket);
    lines.on('line', (line) => this.#onMessage(JSON.parse(line)));
    // A QEMU that is killed may reset the connection, which both tell. That it closes is enough.
    lines.on('error', () => {});
    socket.on('error', () => {});
    socket.once('close', () => {
      for (const { reject } of this.#pending.values()) reject(new MonitorClosed());
      this.#pending.clear();
    });
  }

  /** Answers what the command returns. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#socket.destroyed) throw new MonitorClosed();
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { command, resolve, reject });
    });
    this.#socket.write(JSON.stringify({ execute: command, arguments: args, id }));
    return await answered;
  }

  close(): void {
    this.#socket.destroy();
  }

  #onMessage(message: unknown): void {
    const told = v.safeParse(event, message);
    if (told.success) this.emit('event', told.output);
    const answered = v.safeParse(answer, message);
    if (answered.success) this.#onAnswer(answered.output);
  }

  #onAnswer({ id, error, return: returned }: v.InferOutput<typeof answer>): void {
    const waiting = this.#pending.get(id);
    if (waiting === undefined) return;
    this.#pending.delete(id);
    if (error === undefined) waiting.resolve(returned);
    else waiting.reject(new Refused(waiting.command, error.desc));
  }
}
