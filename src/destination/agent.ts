/** The destination's half of one migration: a step function over its state (docs/protocol.md, section 3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { GUEST, guestCall } from '../guest/guest-call.js';
import { bootId } from '../host/boot-id.js';
import { msBetween } from '../metrics/recorder.js';
import {
  binding,
  type Connection,
  type FaultHandler,
  type GuestMemory,
} from '../native/binding.js';
import { GUEST_CALL_MS } from '../policy/deadlines.js';
import { ControlChannel } from '../protocol/channel.js';
import { MAX_STATE_BYTES } from '../protocol/framing.js';
import {
  type DestinationMessage,
  parseSourceMessage,
  type SourceMessage,
} from '../protocol/messages.js';
import { admit, faultPath } from './admission.js';
import type { Reservation } from './ledger.js';
import type { ResolvedDestinationOptions } from './options.js';
import type { DestinationState, Hold } from './state.js';

type Message<T extends SourceMessage['type']> = Extract<SourceMessage, { type: T }>;
type State<K extends DestinationState['kind']> = Extract<DestinationState, { kind: K }>;

const NO_FAULTS = {
  demandFaults: 0,
  demandFaultsOverNetwork: 0,
  duplicatePages: 0,
  faultLatencyUs: { p50: 0, p99: 0, p999: 0, max: 0 },
};

/** How a migration ended on this side. */
export type DestinationEnd =
  | { readonly kind: 'arrived'; readonly guest: Guest }
  /** Nothing of the guest is left here; it never ran here. */
  | { readonly kind: 'dropped'; readonly error: PageferryError }
  /**
   * The guest ran here and waits for pages that will never come. Keep `hold`: while it lives, guest
   * threads wait; without it they would go on and read zeros.
   */
  | { readonly kind: 'lost'; readonly hold: Hold; readonly error: PageferryError };

export class DestinationAgent {
  readonly peer: string;
  readonly #channel: ControlChannel<DestinationMessage, SourceMessage>;
  readonly #options: ResolvedDestinationOptions;
  #state: DestinationState = { kind: 'opening' };
  readonly #over = new AbortController();
  #failure: PageferryError | undefined;
  #received = { pages: 0, wireBytes: 0 };
  /** From admission to the end of the migration, however that comes. */
  #reservation: Reservation | undefined;
  /** Of the fault handler, once it has ended. */
  #demandFaults = 0;

  constructor(connection: Connection, options: ResolvedDestinationOptions) {
    this.peer = connection.peer;
    this.#options = options;
    this.#channel = new ControlChannel<DestinationMessage, SourceMessage>(connection, {
      parse: parseSourceMessage,
      stallMs: options.stallMs,
    });
  }

  /** Pages and bytes so far, for metrics; of an ended migration those up to its end. */
  progress(): {
    readonly pages: number;
    readonly wireBytes: number;
    readonly demandFaults: number;
  } {
    const state = this.#state;
    if (state.kind !== 'opening' && state.kind !== 'ended') {
      this.#received = state.hold.receiver.progress();
    }
    if (state.kind === 'running') this.#demandFaults = state.handler.stats().demandFaults;
    return { ...this.#received, demandFaults: this.#demandFaults };
  }

  /** Takes a page or fault channel; false when it has no place here. */
  addChannel(role: 'page' | 'fault', channel: number, connection: Connection): boolean {
    const state = this.#state;
    if (state.kind !== 'copying') return false;
    // Accepted before it is handed over: the native side owns the connection from then on.
    const accept = () => connection.answer(binding.protocolConstants().statuses.accepted);
    if (role === 'fault') {
      if (state.fault !== undefined || channel !== 0) return false;
      this.#state = { ...state, fault: connection };
      return accept();
    }
    if (!state.awaited.has(channel) || !accept()) return false;
    state.awaited.delete(channel);
    state.hold.receiver.addChannel(channel, connection);
    return true;
  }

  /** Runs the migration to its end. Never rejects. */
  async run(): Promise<DestinationEnd> {
    try {
      return await this.#stepToEnd();
    } finally {
      this.#reservation?.release();
    }
  }

  async #stepToEnd(): Promise<DestinationEnd> {
    try {
      while (this.#state.kind !== 'ended') {
        const message = await this.#channel.receive();
        const over = await this.#step(message);
        if (over) break;
      }
    } catch (error) {
      return await this.#fail(
        this.#failure ?? asPageferryError(error, 'the migration failed here'),
      );
    }
    return await this.#end();
  }

  /** True from the moment the source may have given its guest up: ending now could lose it. */
  get mayHoldGuest(): boolean {
    return this.#state.kind !== 'opening' && this.#state.kind !== 'copying';
  }

  /** Ends the migration from outside, as if the connection had been lost. */
  abort(error: PageferryError): void {
    this.#failure ??= error;
    this.#channel.send({
      type: 'failed',
      code: error.code,
      message: error.message,
      neverRan: this.#neverRan,
    });
    this.#channel.close();
  }

  /** The guest has not been resumed here, and from now on never will be. */
  get #neverRan(): boolean {
    const { kind } = this.#state;
    return kind === 'opening' || kind === 'copying' || kind === 'ready';
  }

  /** Handles one message. True when the migration is over. */
  async #step(message: SourceMessage): Promise<boolean> {
    const state = this.#state;
    switch (message.type) {
      case 'open':
        if (state.kind !== 'opening') break;
        this.#state = await this.#open(message);
        return false;
      case 'clock':
        this.#channel.send({
          type: 'clocked',
          sentNs: message.sentNs,
          nowNs: process.hrtime.bigint(),
        });
        return false;
      case 'round':
        if (state.kind !== 'copying') break;
        await this.#reached(state.hold, message.sync);
        this.#channel.send({
          type: 'rounded',
          sync: message.sync,
          pages: state.hold.receiver.progress().pages,
        });
        return false;
      case 'switchover':
        if (state.kind !== 'copying') break;
        this.#state = await this.#switchOver(state, message);
        this.#channel.send({ type: 'ready' });
        return false;
      case 'resume':
        if (state.kind !== 'ready') break;
        await this.#resume(state);
        return false;
      case 'pushed':
        if (state.kind !== 'running' && state.kind !== 'complete') break;
        await this.#checkAllPushed(message.sync);
        return false;
      case 'verify':
        if (state.kind !== 'complete') break;
        await this.#verify(state.hold, message.observeMs);
        return false;
      case 'bye':
        if (state.kind !== 'complete') break;
        return true;
      case 'cancel':
        throw new PageferryError('CANCELLED', `${this.peer} cancelled: ${message.reason}`);
      case 'failed':
        throw new PageferryError('PEER_GONE', `${this.peer} gave up: ${message.message}`);
      case 'alive':
        return false;
      default:
        throw new Error(`no such message: ${JSON.stringify(message satisfies never)}`);
    }
    throw new PageferryError(
      'PROTOCOL',
      `${this.peer} sent ${message.type}, which has no meaning while ${state.kind}`,
    );
  }

  async #open(message: Message<'open'>): Promise<DestinationState> {
    const regionBytes = message.regions.map((region) => region.bytes);
    const { prepared } = this.#options;
    this.#reservation = admit(message, this.#options, prepared.has(regionBytes));
    this.#reservation?.watchGrowth((error) => {
      if (!this.mayHoldGuest) this.abort(error);
    });
    const memory = prepared.take(regionBytes) ?? (await this.#createMemory(regionBytes));
    const guest = await this.#createGuest(memory, message.description);
    const arriving = binding.createArrivingMemory(memory);
    const receiver = binding.createPageReceiver(arriving, message.channels, (error) =>
      this.#channelFailed(error),
    );
    const path = faultPath(memory.backing);
    this.#channel.send({
      type: 'opened',
      bootId: bootId(),
      faultPath: path.available,
      faultPathReason: path.reason,
      maxStateBytes: MAX_STATE_BYTES,
    });
    const awaited = new Set(Array.from({ length: message.channels }, (_, channel) => channel));
    return {
      kind: 'copying',
      hold: { memory, guest, arriving, receiver },
      awaited,
      fault: undefined,
    };
  }

  async #createMemory(regionBytes: number[]): Promise<GuestMemory> {
    const memory = binding.createGuestMemory(regionBytes);
    this.#reservation?.attach(memory);
    try {
      if (this.#options.prefault) await memory.prefault();
    } catch (error) {
      memory.release();
      throw error;
    }
    return memory;
  }

  /** The memory is let go of when it gets no guest. */
  async #createGuest(memory: GuestMemory, description: Uint8Array): Promise<Guest> {
    try {
      const { createGuest } = this.#options;
      return await guestCall('be built', () => createGuest(memory, description), {
        deadlineMs: GUEST_CALL_MS,
        signal: this.#over.signal,
        answer: GUEST,
      });
    } catch (error) {
      memory.release();
      throw error;
    }
  }

  /** On return every page channel has delivered the sync. PEER_SILENT when they bring nothing any more. */
  async #reached({ receiver }: Hold, sync: number): Promise<void> {
    if (receiver.hasReached(sync)) return;
    const { stallMs } = this.#options;
    let seen = receiver.progress().wireBytes;
    let watch: NodeJS.Timeout | undefined;
    const stalled = new Promise<never>((_, reject) => {
      watch = setInterval(() => {
        const { wireBytes } = receiver.progress();
        if (wireBytes === seen) reject(this.#silent('has sent nothing on its page channels'));
        seen = wireBytes;
      }, stallMs);
    });
    try {
      await Promise.race([receiver.waitSync(sync), stalled]);
    } finally {
      clearInterval(watch);
    }
  }

  /** On return the guest could run: every page is here or known to be missing, its state is loaded. */
  async #switchOver(
    state: State<'copying'>,
    message: Message<'switchover'>,
  ): Promise<DestinationState> {
    const { hold, fault } = state;
    // While the last pages are still on their way: nobody runs the guest after them.
    if (!message.postCopy) fault?.close();
    await this.#reached(hold, message.sync);
    const started = performance.now();
    await guestCall('load its state', () => hold.guest.loadState(message.state), {
      deadlineMs: GUEST_CALL_MS,
      signal: this.#over.signal,
    });
    const loadStateMs = performance.now() - started;
    let handler: FaultHandler | undefined;
    if (message.postCopy) {
      if (fault === undefined) {
        throw new PageferryError(
          'PROTOCOL',
          `${this.peer} asked for post-copy without a fault channel`,
        );
      }
      hold.arriving.startServing(() => this.#allHere());
      handler = binding.startFaultHandler(hold.arriving, fault, (error) =>
        this.#channelFailed(error),
      );
    } else {
      hold.arriving.complete();
    }
    return { kind: 'ready', hold, pausedAtNs: message.pausedAtNs, loadStateMs, handler };
  }

  async #resume(state: State<'ready'>): Promise<void> {
    const { hold, handler, pausedAtNs } = state;
    const started = process.hrtime.bigint();
    hold.guest.probe?.setTimeAway(Number(started > pausedAtNs ? started - pausedAtNs : 0n));
    await guestCall('resume', () => hold.guest.resume(), {
      deadlineMs: GUEST_CALL_MS,
      signal: this.#over.signal,
    });
    const resumedAtNs = process.hrtime.bigint();
    this.#state =
      handler === undefined ? { kind: 'complete', hold } : { kind: 'running', hold, handler };
    this.#channel.send({
      type: 'running',
      resumedAtNs,
      loadStateMs: state.loadStateMs,
      resumeMs: msBetween(started, resumedAtNs),
    });
    if (handler === undefined) this.#sendComplete(hold, NO_FAULTS);
    // The last page may have come before the state was 'running'.
    else if (hold.arriving.pagesMissing === 0) this.#allHere();
  }

  /** Post-copy: the last page has come. */
  #allHere(): void {
    const state = this.#state;
    if (state.kind !== 'running') return;
    const { hold, handler } = state;
    const stats = handler.stats();
    this.#demandFaults = stats.demandFaults;
    hold.arriving.complete();
    handler.close();
    handler.release();
    this.#state = { kind: 'complete', hold };
    this.#sendComplete(hold, stats);
  }

  #sendComplete(hold: Hold, faults: ReturnType<FaultHandler['stats']>): void {
    const received = hold.receiver.progress();
    this.#channel.send({
      type: 'complete',
      ...faults,
      pagesReceived: received.pages,
      duplicatePages: received.duplicatePages + faults.duplicatePages,
      completedAtNs: process.hrtime.bigint(),
      guest: hold.guest.probe?.observe() ?? null,
    });
  }

  /** The source says that all is sent: then, once all has arrived, nothing may be missing. */
  async #checkAllPushed(sync: number): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'running') return;
    await this.#reached(state.hold, sync);
    const missing = state.hold.arriving.pagesMissing;
    // Pages on the fault channel may still be under way; those alone are worth waiting for.
    if (missing > 0 && state.handler.stats().demandFaultsOverNetwork === 0) {
      throw new PageferryError(
        'PROTOCOL',
        `${this.peer} has sent everything, yet ${missing} pages are missing`,
      );
    }
    const giveUp = () => {
      if (this.#state !== state) return;
      this.abort(this.#silent('has not answered every request on the fault channel'));
    };
    setTimeout(giveUp, this.#options.stallMs).unref();
  }

  async #verify(hold: Hold, observeMs: number): Promise<void> {
    const { guest } = hold;
    const before = guest.probe?.observe().operations ?? 0;
    const started = performance.now();
    await sleep(observeMs);
    const operations = (guest.probe?.observe().operations ?? 0) - before;
    const seconds = (performance.now() - started) / 1000;
    let verification = null;
    if (guest.probe !== undefined) {
      await guest.pause();
      verification = await guest.probe.verify();
      await guest.resume();
    }
    this.#channel.send({
      type: 'verified',
      verification,
      guest:
        guest.probe === undefined || observeMs === 0
          ? null
          : { opsPerSecond: operations / seconds },
    });
  }

  #silent(what: string): PageferryError {
    const { peer } = this;
    return new PageferryError('PEER_SILENT', `${peer} ${what}`, { peer });
  }

  /** A page or fault channel ended. Once every page is here that is as it should be. */
  #channelFailed(error: Error): void {
    if (this.#state.kind === 'complete' || this.#state.kind === 'ended') return;
    this.abort(asPageferryError(error, `a channel from ${this.peer} failed`, { peer: this.peer }));
  }

  async #fail(error: PageferryError): Promise<DestinationEnd> {
    const state = this.#state;
    this.progress();
    this.#channel.send({
      type: 'failed',
      code: error.code,
      message: error.message,
      neverRan: this.#neverRan,
    });
    this.#state = { kind: 'ended' };
    this.#channel.close();
    switch (state.kind) {
      case 'opening':
      case 'ended':
        return { kind: 'dropped', error };
      case 'copying':
        state.fault?.close();
        this.#drop(state.hold);
        return { kind: 'dropped', error };
      case 'ready':
        state.handler?.close();
        state.handler?.release();
        this.#drop(state.hold);
        return { kind: 'dropped', error };
      case 'running':
        state.hold.receiver.close();
        // The registration stays: guest threads wait for the missing pages, they never see zeros.
        return {
          kind: 'lost',
          hold: state.hold,
          error: new PageferryError(
            'POSTCOPY_LOST',
            `lost the source before every page had arrived (${error.message}). The guest cannot go on`,
            { peer: this.peer, cause: error },
          ),
        };
      case 'complete':
        return handOver(state.hold);
      default:
        throw new Error(`no such state: ${JSON.stringify(state satisfies never)}`);
    }
  }

  async #end(): Promise<DestinationEnd> {
    const state = this.#state;
    this.progress();
    this.#state = { kind: 'ended' };
    this.#channel.close();
    if (state.kind !== 'complete') throw new Error(`ended while ${state.kind}`);
    return handOver(state.hold);
  }

  #drop(hold: Hold): void {
    hold.receiver.close();
    hold.guest.discard?.();
    for (const held of [hold.receiver, hold.arriving, hold.memory]) held.release();
  }
}

/** Every page is here and the migration is over: only the guest stays. */
function handOver(hold: Hold): DestinationEnd {
  hold.receiver.close();
  hold.receiver.release();
  hold.arriving.release();
  return { kind: 'arrived', guest: hold.guest };
}
