/** The side that guests move to: listens on one port and takes one migration after another, several at once. */
import { Announcer } from '../announcer.js';
import { asPageferryError, errnoOf, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { type Arrival, binding, type Listener } from '../native/binding.js';
import { type Address, formatAddress, missesZone } from '../units.js';
import { DestinationAgent } from './agent.js';
import { type Ledger, processLedger } from './ledger.js';
import type { DestinationOptions, ResolvedDestinationOptions } from './options.js';
import { PreparedMemory } from './prepared-memory.js';
import type { Hold } from './state.js';

export interface DestinationEvents {
  /** A source has connected. */
  arriving: [migration: { readonly id: string; readonly peer: string }];
  /** A guest runs here, has all its pages, and its migration is over. */
  arrived: [guest: Guest, migration: { readonly id: string; readonly peer: string }];
  /** A migration ended before the guest ran here; nothing of it is left. */
  dropped: [error: PageferryError, migration: { readonly id: string; readonly peer: string }];
  /** A guest that ran here waits for pages that will never come. */
  lost: [
    error: PageferryError,
    guest: Guest,
    migration: { readonly id: string; readonly peer: string },
  ];
  /** A connection that does not speak our protocol was turned away. */
  stranger: [peer: string, reason: string];
}

export class Destination extends Announcer<DestinationEvents> {
  readonly host: string;
  readonly #options: ResolvedDestinationOptions;
  readonly #agents = new Map<string, DestinationAgent>();
  readonly #serving = new Set<Promise<void>>();
  /** Lost guests: their memory stays registered for as long as this process lives. */
  readonly #lost: Hold[] = [];
  /** What the migrations that ended had received. */
  readonly #ended = { pages: 0, wireBytes: 0, demandFaults: 0 };
  #listener: Listener | undefined;

  private constructor(options: DestinationOptions, ledger: Ledger, prepared: PreparedMemory) {
    super();
    this.host = options.host ?? '127.0.0.1';
    this.#options = {
      createGuest: options.createGuest,
      memoryLimitBytes: options.memoryLimitBytes ?? Number.POSITIVE_INFINITY,
      overcommit: options.overcommit ?? false,
      maxMigrations: options.maxMigrations ?? 64,
      ledger,
      prefault: options.prefault ?? false,
      prepared,
      stallMs: options.stallMs ?? 30_000,
    };
  }

  /** Starts to listen, once the memory to prepare is there. Throws PORT_IN_USE, NO_MEMORY and the like. */
  static async listen(options: DestinationOptions): Promise<Destination> {
    const ledger = options.ledger ?? processLedger;
    const prepared = await PreparedMemory.populate(options.prepare ?? [], ledger);
    const destination = new Destination(options, ledger, prepared);
    const { host } = destination;
    const port = options.port ?? 0;
    try {
      destination.#listener = binding.listen(
        host,
        port,
        destination.#options.stallMs,
        (arrival) => destination.#onArrival(arrival),
        (peer, reason) => destination.tell('stranger', peer, reason),
      );
    } catch (error) {
      prepared.release();
      throw explainListen(error, { host, port });
    }
    return destination;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Migrations under way. */
  get migrations(): number {
    return this.#agents.size;
  }

  /** Pages and bytes received and faults resolved since it listens, by migrations that ended and those under way. */
  progress(): { pages: number; wireBytes: number; demandFaults: number } {
    const sum = { ...this.#ended };
    for (const agent of this.#agents.values()) addTo(sum, agent.progress());
    return sum;
  }

  /** Migrations whose guest runs here, or is about to, and whose source is still needed. */
  get guestsArriving(): number {
    return [...this.#agents.values()].filter((agent) => agent.mayHoldGuest).length;
  }

  /**
   * Stops listening. Migrations that have not switched over are ended, and their guests stay on their
   * sources; the others go on, because ending them would lose their guests. On return all are over.
   */
  async close(): Promise<void> {
    this.#listener?.close();
    for (const agent of this.#agents.values()) {
      if (agent.mayHoldGuest) continue;
      agent.abort(new PageferryError('PEER_GONE', 'the destination is shutting down'));
    }
    await Promise.all(this.#serving);
    this.#options.prepared.release();
  }

  #onArrival(arrival: Arrival): void {
    const { statuses } = binding.protocolConstants();
    const { connection, role, channel } = arrival;
    const id = Buffer.from(arrival.migrationId).toString('hex');
    const agent = this.#agents.get(id);
    if (role !== 'control') {
      if (agent?.addChannel(role, channel, connection) === true) return;
      connection.answer(statuses['unknown-migration']);
      connection.close();
      return;
    }
    const refusal =
      agent !== undefined
        ? statuses['unknown-migration']
        : this.#agents.size >= this.#options.maxMigrations
          ? statuses.busy
          : undefined;
    if (refusal !== undefined || !connection.answer(statuses.accepted)) {
      if (refusal !== undefined) connection.answer(refusal);
      connection.close();
      return;
    }
    const serving = this.#serve(id, new DestinationAgent(connection, this.#options));
    this.#serving.add(serving);
    void serving.finally(() => this.#serving.delete(serving));
  }

  async #serve(id: string, agent: DestinationAgent): Promise<void> {
    const migration = { id, peer: agent.peer };
    this.#agents.set(id, agent);
    this.tell('arriving', migration);
    const end = await agent.run();
    this.#agents.delete(id);
    addTo(this.#ended, agent.progress());
    switch (end.kind) {
      case 'arrived':
        this.tell('arrived', end.guest, migration);
        break;
      case 'dropped':
        this.tell('dropped', end.error, migration);
        break;
      case 'lost':
        this.#lost.push(end.hold);
        this.tell('lost', end.error, end.hold.guest, migration);
        break;
      default:
        throw new Error(`no such end: ${JSON.stringify(end satisfies never)}`);
    }
  }
}

type Figures = ReturnType<DestinationAgent['progress']>;

function addTo(sum: { -readonly [K in keyof Figures]: Figures[K] }, figures: Figures): void {
  sum.pages += figures.pages;
  sum.wireBytes += figures.wireBytes;
  sum.demandFaults += figures.demandFaults;
}

function explainListen(error: unknown, { host, port }: Address): PageferryError {
  const address = formatAddress({ host, port });
  switch (errnoOf(error)) {
    case 'EINVAL':
      if (!missesZone(host)) break;
      return new PageferryError(
        'USAGE',
        `cannot listen on ${address}: a link-local address needs its interface. Write it as [${host}%eth0]:${port}`,
        { cause: error },
      );
    case 'EADDRINUSE':
      return new PageferryError(
        'PORT_IN_USE',
        `cannot listen on ${address}: another program does. Choose another port, or 0 for a free one`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
      return new PageferryError(
        'USAGE',
        `cannot listen on ${address}: this host has no such address`,
        {
          cause: error,
        },
      );
    default:
      break;
  }
  return asPageferryError(error, `cannot listen on ${address}`);
}
