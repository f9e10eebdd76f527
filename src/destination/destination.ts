/** The side that guests move to: listens on one port and takes one migration after another, several at once. */
import { setMaxListeners } from 'node:events';
import { Announcer } from '../announcer.js';
import { asPageferryError, errnoOf, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { binding } from '../native/binding.js';
import { checkCaptureFolder } from '../native/capture.js';
import type { Arrival, CaptureFile, Connection, Credentials, Gate } from '../native/connections.js';
import { addressOf } from '../options/address.js';
import { openCredentials } from '../options/credentials.js';
import { requireSecurity } from '../options/security.js';
import { migrationIdText } from '../protocol/migration-id.js';
import type { Address } from '../units.js';
import { DestinationAgent, type DestinationContext } from './agent.js';
import { Captures } from './captures.js';
import { dropHold } from './ending.js';
import { explainListen } from './explain-listen.js';
import {
  type DestinationOptions,
  type ResolvedDestinationOptions,
  resolveOptions,
} from './options.js';
import { type Outcome, Outcomes } from './outcomes.js';
import { checkPlace, hasPlace, makeWay } from './places.js';
import { PreparedMemory } from './prepared-memory.js';
import { standingAtEnd } from './standing.js';
import type { Hold } from './state.js';

export interface DestinationEvents {
  /** A source wants to bring a guest. */
  arriving: [migration: { readonly id: string; readonly peer: string }];
  /** A guest is here, has all its pages, and its migration is over. It runs, unless its owner had paused it. */
  arrived: [guest: Guest, migration: { readonly id: string; readonly peer: string }];
  /** A migration ended before the guest ran here; nothing of it is left. */
  dropped: [error: PageferryError, migration: { readonly id: string; readonly peer: string }];
  /**
   * A guest is here and cannot go on: it waits for pages that will never come (POSTCOPY_LOST), or has not answered its
   * resume (GUEST_FAILED). Its memory is kept until letGo(guest).
   */
  lost: [
    error: PageferryError,
    guest: Guest,
    migration: { readonly id: string; readonly peer: string },
  ];
  /**
   * A connection that does not speak our protocol was turned away, and `others` since the event before: where there are
   * more than some a second, most are only counted.
   */
  stranger: [peer: string, reason: string, others: number];
  /**
   * Sources cannot be taken at the moment, and why; once, until one was taken again. Or a capture that was asked for is not
   * whole.
   */
  warning: [error: PageferryError];
}

export class Destination extends Announcer<DestinationEvents> {
  readonly #context: Omit<DestinationContext, 'takePlace' | 'outcomeOf' | 'capture'>;
  readonly #closing = new AbortController();
  readonly #agents = new Map<string, DestinationAgent>();
  readonly #outcomes = new Outcomes();
  readonly #captures: Captures;
  readonly #serving = new Set<Promise<void>>();
  /** Lost guests: their memory stays registered until they are let go. */
  readonly #lost = new Map<Guest, Hold>();
  /** What the migrations that ended had received. */
  readonly #ended = { pages: 0, wireBytes: 0, demandFaults: 0 };
  #gate: Gate | undefined;
  #credentials: Credentials | null = null;

  private constructor(options: ResolvedDestinationOptions, prepared: PreparedMemory) {
    super();
    const closing = this.#closing.signal;
    // Each migration under way may listen to it.
    setMaxListeners(0, closing);
    this.#context = { options, prepared, closing };
    this.#captures = new Captures(options, (error) => this.#warn(error));
  }

  /** Starts to listen, once the memory to prepare is there. Throws PORT_IN_USE, NO_MEMORY and the like. */
  static async listen(options: DestinationOptions): Promise<Destination> {
    const resolved = resolveOptions(options);
    if (resolved.tee !== null) checkCaptureFolder(resolved.tee);
    const wanted = addressOf('the destination', options, { host: '127.0.0.1', port: 0 });
    requireSecurity('the destination', wanted, options);
    const credentials = openCredentials('the destination', options.tls);
    const prepared = await PreparedMemory.populate(options.prepare ?? [], resolved.ledger);
    const destination = new Destination(resolved, prepared);
    try {
      destination.#gate = binding.listen(
        wanted,
        credentials,
        destination.#context.options.stallMs,
        (arrival) => destination.#onArrival(arrival),
        (peer, reason, others) => destination.#onStranger(peer, reason, others),
        (error) => destination.#onTrouble(error),
      );
    } catch (error) {
      prepared.release();
      throw explainListen(error, wanted);
    }
    destination.#credentials = credentials;
    return destination;
  }

  /**
   * Reads the files of its certificates or its key again, for connections that begin from now on: after they were
   * renewed, or somebody was revoked. Throws USAGE where they are not good, and goes on with those that it had. Does
   * nothing without TLS.
   */
  reloadCredentials(): void {
    try {
      this.#credentials?.reload();
    } catch (error) {
      throw asPageferryError(error, 'the certificates in use stay');
    }
  }

  /** Where it listens, with the port that it has. */
  get address(): Address {
    if (this.#gate === undefined) throw new Error('a destination listens from the beginning');
    return this.#gate.address;
  }

  /** The port that it has; 0 on a Unix-domain socket. */
  get port(): number {
    return 'port' in this.address ? this.address.port : 0;
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
    return this.#underWay.filter((agent) => agent.mayHoldGuest).length;
  }

  /**
   * Lets go of a guest that was lost: calls its discard(), then frees its memory. Threads of the guest that wait for a
   * missing page go on and read zeros, so discard() has to end them. False when the guest is not a lost one of this
   * destination, or was let go before. May be called after close().
   */
  letGo(guest: Guest): boolean {
    const hold = this.#lost.get(guest);
    if (hold === undefined) return false;
    this.#lost.delete(guest);
    dropHold(hold);
    return true;
  }

  /**
   * Stops listening. Migrations that have not switched over are ended, and their guests stay on their
   * sources; the others go on, because ending them would lose their guests. On return all are over, nothing of them is
   * left but guests that have arrived or were lost, and no listener is called any more. Idempotent.
   */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#gate?.close();
    for (const agent of this.#agents.values()) {
      if (agent.mayHoldGuest) continue;
      agent.abort(new PageferryError('PEER_GONE', 'the destination is shutting down'));
    }
    await Promise.all(this.#serving);
    this.#context.prepared.release();
  }

  /** In the order in which they came. */
  get #underWay(): DestinationAgent[] {
    return [...this.#agents.values()];
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  // The addon's calls are queued: some may come after the gate was closed.

  #onStranger(peer: string, reason: string, others: number): void {
    if (!this.#isClosed) this.tell('stranger', peer, reason, others);
  }

  #onTrouble(error: Error): void {
    if (this.#isClosed) return;
    const failure = asPageferryError(error, 'sources wait and cannot be taken');
    const advice = errnoOf(error) === 'EMFILE' ? '. Raise the limit: ulimit -n' : '';
    this.tell(
      'warning',
      new PageferryError(failure.code, failure.message + advice, { cause: error }),
    );
  }

  #onArrival(arrival: Arrival): void {
    const { connection, role, channel, resume } = arrival;
    if (this.#isClosed) {
      connection.close();
      return;
    }
    const { statuses } = binding.protocolConstants();
    const id = migrationIdText(arrival.migrationId);
    const agent = this.#agents.get(id);
    const refuse = (status: number) => {
      connection.answer(status);
      connection.close();
    };
    if (role !== 'control') {
      if (agent?.addChannel(role, channel, connection) !== true) {
        refuse(statuses['unknown-migration']);
      }
      return;
    }
    const isKnown = agent !== undefined || this.#outcomes.has(id);
    if (resume) refuse(statuses[isKnown ? 'not-resumable' : 'unknown-migration']);
    else if (isKnown) refuse(statuses['id-in-use']);
    else if (!hasPlace(this.#underWay, this.#context.options)) refuse(statuses.busy);
    else this.#accept(id, connection);
  }

  #accept(id: string, connection: Connection): void {
    const capture = this.#captures.begin(id);
    if (capture !== undefined) connection.tee(capture);
    if (connection.answer(binding.protocolConstants().statuses.accepted)) {
      this.#take(id, connection, capture);
    } else {
      connection.close();
      this.#captures.end(capture);
    }
  }

  #warn(error: PageferryError): void {
    if (!this.#isClosed) this.tell('warning', error);
  }

  #take(id: string, connection: Connection, capture: CaptureFile | undefined): void {
    makeWay(this.#underWay, this.#context.options);
    try {
      const agent: DestinationAgent = new DestinationAgent(connection, {
        ...this.#context,
        capture,
        takePlace: (asked) => {
          this.tell('arriving', { id, peer: agent.peer });
          checkPlace(this.#underWay, this.#context.options, asked);
        },
        outcomeOf: (asked) => this.#outcomeOf(migrationIdText(asked)),
      });
      const serving = this.#serve(id, agent).finally(() => this.#captures.end(capture));
      this.#serving.add(serving);
      void serving.finally(() => this.#serving.delete(serving));
    } catch (error) {
      connection.close();
      this.#captures.end(capture);
      this.#onTrouble(asPageferryError(error, 'a source has connected'));
    }
  }

  #outcomeOf(id: string): Outcome {
    return this.#outcomes.of(id, this.#agents.get(id)?.standing);
  }

  async #serve(id: string, agent: DestinationAgent): Promise<void> {
    const migration = { id, peer: agent.peer };
    this.#agents.set(id, agent);
    const end = await agent.run();
    addTo(this.#ended, agent.progress());
    this.#agents.delete(id);
    if (agent.wasAdmitted) this.#outcomes.remember(id, standingAtEnd(end, agent.standing));
    switch (end.kind) {
      case 'asked':
        break;
      case 'arrived':
        this.tell('arrived', end.guest, migration);
        break;
      case 'dropped':
        this.tell('dropped', end.error, migration);
        break;
      case 'lost':
        this.#lost.set(end.hold.guest, end.hold);
        this.tell('lost', end.error, end.hold.guest, migration);
        break;
      default:
        throw new Error(`no such end: ${JSON.stringify(end satisfies never)}`);
    }
    await agent.closed;
  }
}

type Figures = ReturnType<DestinationAgent['progress']>;

function addTo(sum: { -readonly [K in keyof Figures]: Figures[K] }, figures: Figures): void {
  sum.pages += figures.pages;
  sum.wireBytes += figures.wireBytes;
  sum.demandFaults += figures.demandFaults;
}
