/** The destination's half of one migration: a step function over its state (docs/protocol.md, section 3). */
import { asPageferryError, PageferryError } from '../errors.js';
import { bootId } from '../host/boot-id.js';
import { msBetween } from '../metrics/recorder.js';
import { binding } from '../native/binding.js';
import type { CaptureFile, Connection, FeatureName } from '../native/connections.js';
import { GOODBYE_MS, openWithinMs } from '../policy/deadlines.js';
import { ControlChannel } from '../protocol/channel.js';
import { STATE_MARGIN_BYTES } from '../protocol/framing.js';
import {
  type DestinationMessage,
  parseSourceMessage,
  type SourceMessage,
} from '../protocol/messages.js';
import { acceptedOf } from '../protocol/offers.js';
import { admit, faultPath } from './admission.js';
import { pagesAwaited, pagesHere } from './awaited-pages.js';
import {
  completeMessage,
  endHandler,
  endOfFailed,
  type Faults,
  handOver,
  NO_FAULTS,
} from './ending.js';
import type { Reservation } from './ledger.js';
import { openHold, type Premises } from './opening.js';
import type { Outcome } from './outcomes.js';
import { whileProgress } from './patience.js';
import type { Asked } from './places.js';
import { leftPaused, ResumeRefused, resumeGuest } from './resume.js';
import { SILENCE, signsOfProgress } from './signs-of-progress.js';
import { STANDS_AS, type Standing } from './standing.js';
import type { DestinationEnd, DestinationState, Hold } from './state.js';
import { reached, type SwitchoverContext, switchOver } from './switch-over.js';
import { type Verify, verifyGuest } from './verify.js';

type Message<T extends SourceMessage['type']> = Extract<SourceMessage, { type: T }>;
/** What gets a migration on. */
type Step = Exclude<SourceMessage, { type: 'alive' | 'clock' }>;
type State<K extends DestinationState['kind']> = Extract<DestinationState, { kind: K }>;

export interface DestinationContext extends Premises {
  /** Called when `open` has come. Throws BUSY when there is no place for one more migration. */
  readonly takePlace: (asked: Asked) => void;
  /** How the migration of that id stands. */
  readonly outcomeOf: (id: Uint8Array) => Outcome;
  /** Of all its channels, where one was asked for. */
  readonly capture: CaptureFile | undefined;
  /** Aborted when the destination is being closed. */
  readonly closing: AbortSignal;
}

export class DestinationAgent {
  readonly peer: string;
  readonly #features: readonly FeatureName[];
  readonly #channel: ControlChannel<DestinationMessage, SourceMessage>;
  readonly #context: DestinationContext;
  readonly #switchoverContext: SwitchoverContext;
  /** Aborted with the first failure, the peer's going among them: ends every wait before the commit point. */
  readonly #over = new AbortController();
  #state: DestinationState = { kind: 'opening' };
  #standing: Standing = { state: 'arriving', since: performance.now() };
  #asked: Asked | undefined;
  /** Why it was ended from here. */
  #failure: PageferryError | undefined;
  /** Of those that get the migration on. */
  #messages = 0;
  #wasAdmitted = false;
  /** From admission to the end of the migration, however that comes. */
  #reservation: Reservation | undefined;
  #received = { pages: 0, wireBytes: 0 };
  /** Of the fault handler, once it has ended. */
  #demandFaults = 0;
  #hurried: NodeJS.Timeout | undefined;

  constructor(connection: Connection, context: DestinationContext) {
    const { stallMs, guestCallMs } = context.options;
    this.peer = connection.peer;
    this.#features = connection.features;
    this.#context = context;
    this.#channel = new ControlChannel<DestinationMessage, SourceMessage>(connection, {
      parse: parseSourceMessage,
      stallMs,
      onEnd: (error) => this.#over.abort(error),
    });
    this.#switchoverContext = {
      peer: this.peer,
      stallMs,
      guestCallMs,
      signal: this.#over.signal,
      onAllHere: () => this.#allHere(),
      onChannelFailure: (error) => this.#channelFailed(error),
    };
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

  /** Takes a page or fault channel; false when it has no place here. A failure ends the migration. */
  addChannel(role: 'page' | 'fault', channel: number, connection: Connection): boolean {
    const state = this.#state;
    if (state.kind !== 'copying') return false;
    // Accepted before it is handed over: the native side owns the connection from then on.
    const accept = () => {
      if (this.#context.capture !== undefined) connection.tee(this.#context.capture);
      return connection.answer(binding.protocolConstants().statuses.accepted);
    };
    if (role === 'fault') {
      if (state.fault !== undefined || channel !== 0) return false;
      this.#enter({ ...state, fault: connection });
      return accept();
    }
    if (!state.awaited.has(channel) || !accept()) return false;
    state.awaited.delete(channel);
    try {
      state.hold.receiver.addChannel(channel, connection);
    } catch (error) {
      this.abort(asPageferryError(error, `cannot take page channel ${channel}`));
    }
    return true;
  }

  /** Runs the migration to its end. Never rejects. */
  async run(): Promise<DestinationEnd> {
    try {
      while (true) {
        const message = await this.#next();
        // What it says was said before we gave up, and before we may have said that the guest will not run here.
        if (this.#failure !== undefined) throw this.#failure;
        if (message.type === 'query') return this.#answer(message);
        if (await this.#step(message)) return this.#end();
      }
    } catch (error) {
      const first = this.#failure ?? asPageferryError(error, 'the migration failed here');
      return this.#fail(first, error instanceof ResumeRefused);
    } finally {
      this.#context.closing.removeEventListener('abort', this.#hurry);
      clearTimeout(this.#hurried);
      this.#reservation?.release();
    }
  }

  /** Settles once the migration has ended and nothing of its control channel is left. */
  get closed(): Promise<void> {
    return this.#channel.closed;
  }

  /** How it stands, for who asks. */
  get standing(): Standing {
    return this.#standing;
  }

  /** Something of it was here: what became of it is worth remembering. */
  get wasAdmitted(): boolean {
    return this.#wasAdmitted;
  }

  /** What the source has asked for when it said what it brings; undefined before that. */
  get asked(): Asked | undefined {
    return this.#asked;
  }

  /** True from the moment the source may have given its guest up: ending now could lose it. */
  get mayHoldGuest(): boolean {
    return this.#state.kind !== 'opening' && this.#state.kind !== 'copying';
  }

  /** Ends the migration from outside, as if the connection had been lost. */
  abort(error: PageferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#sayFailed(error, this.#neverRan);
    this.#channel.close();
    this.#over.abort(error);
  }

  /** The guest has not been resumed here, and once the migration has failed it never will be. */
  get #neverRan(): boolean {
    const { kind } = this.#state;
    return kind === 'opening' || kind === 'copying' || kind === 'ready';
  }

  #enter(state: DestinationState): void {
    this.#state = state;
    const stands = STANDS_AS[state.kind];
    if (stands === undefined || stands === this.#standing.state) return;
    this.#standing = { state: stands, since: performance.now() };
  }

  #sayFailed({ code, message }: PageferryError, neverRan: boolean): void {
    this.#channel.send({ type: 'failed', code, message, neverRan });
  }

  /** The next message of a source that gets on. */
  async #next(): Promise<Step> {
    const { stallMs } = this.#context.options;
    const { kind } = this.#state;
    const message = await whileProgress(
      this.#nextStep(),
      kind === 'opening' ? openWithinMs(stallMs) : stallMs,
      () => signsOfProgress(this.#state, this.#messages),
      () => new PageferryError('PEER_SILENT', `${this.peer} ${SILENCE[kind]}`, { peer: this.peer }),
    );
    this.#messages += 1;
    return message;
  }

  /** Tells the time until a message comes that is a step of the migration. */
  async #nextStep(): Promise<Step> {
    while (true) {
      const message = await this.#channel.receive();
      if (message.type === 'clock') {
        const nowNs = process.hrtime.bigint();
        this.#channel.send({ type: 'clocked', sentNs: message.sentNs, nowNs });
      } else if (message.type !== 'alive') return message;
    }
  }

  /** The source brings nothing, and asks how another migration stands. */
  #answer({ id }: Message<'query'>): DestinationEnd {
    if (this.#state.kind !== 'opening' || !this.#features.includes('query')) {
      throw this.#misplaced('query');
    }
    this.#channel.send({ type: 'outcome', ...this.#context.outcomeOf(id) });
    this.#enter({ kind: 'ended' });
    this.#channel.close();
    return { kind: 'asked' };
  }

  #misplaced(type: Step['type']): PageferryError {
    return new PageferryError(
      'PROTOCOL',
      `${this.peer} sent ${type}, which has no meaning while ${this.#state.kind}`,
    );
  }

  /** Handles one message. True when the migration is over. */
  async #step(message: Exclude<Step, Message<'query'>>): Promise<boolean> {
    const state = this.#state;
    switch (message.type) {
      case 'open':
        if (state.kind !== 'opening') break;
        this.#enter(await this.#open(message));
        return false;
      case 'round':
        if (state.kind !== 'copying') break;
        await reached(state.hold, message.sync, this.#switchoverContext);
        this.#channel.send({
          type: 'rounded',
          sync: message.sync,
          pages: state.hold.receiver.progress().pages,
        });
        return false;
      case 'switchover':
        if (state.kind !== 'copying') break;
        await this.#switchOver(state, message);
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
        await this.#verify(state, message);
        return false;
      case 'bye':
        if (state.kind !== 'complete') break;
        return true;
      case 'cancel':
        if (!this.#neverRan) break;
        throw new PageferryError('CANCELLED', `${this.peer} cancelled: ${message.reason}`);
      case 'failed':
        if (!this.#neverRan) break;
        throw new PageferryError('PEER_GONE', `${this.peer} gave up: ${message.message}`);
      default:
        throw new Error(`no such message: ${JSON.stringify(message satisfies never)}`);
    }
    throw this.#misplaced(message.type);
  }

  async #open(message: Message<'open'>): Promise<DestinationState> {
    const asked = { pageChannels: message.channels, spaces: message.spaces.length };
    this.#context.takePlace(asked);
    this.#asked = asked;
    const { options, prepared } = this.#context;
    const accepts = acceptedOf(message.offers);
    const isPrepared = prepared.has(message.spaces.map(({ bytes }) => bytes));
    this.#reservation = admit(message, options, isPrepared);
    this.#wasAdmitted = true;
    this.#reservation?.watchGrowth((error) => {
      if (!this.mayHoldGuest) this.abort(error);
    });
    const hold = await openHold(message, {
      ...this.#context,
      reservation: this.#reservation,
      contents: accepts.contents,
      signal: this.#over.signal,
      onChannelFailure: (error) => this.#channelFailed(error),
    });
    const { maxStateBytes, guestCallMs } = options;
    const path = faultPath(hold.guest, hold.memory);
    this.#channel.expectLong('switchover', maxStateBytes + STATE_MARGIN_BYTES);
    this.#channel.send({
      type: 'opened',
      bootId: bootId(),
      accepts,
      faultPath: path.available,
      faultPathReason: path.reason,
      maxStateBytes,
      guestCallMs,
    });
    const awaited = new Set(Array.from({ length: message.channels }, (_, channel) => channel));
    return { kind: 'copying', hold, awaited, fault: undefined };
  }

  async #switchOver(copying: State<'copying'>, message: Message<'switchover'>): Promise<void> {
    const { hold, fault } = copying;
    const switchover = await switchOver(hold, fault, message, this.#switchoverContext);
    // A fault channel that came meanwhile has no use: what the guest needs of one was there before.
    if (this.#state.kind === 'copying' && fault === undefined) this.#state.fault?.close();
    this.#enter({ kind: 'ready', hold, switchover });
    this.#channel.send({ type: 'ready' });
  }

  /** Past the commit point: neither the peer's going nor a failing channel keeps the guest from running. */
  async #resume({ hold, switchover }: State<'ready'>): Promise<void> {
    const { handler, pausedAtNs, runs, loadStateMs } = switchover;
    this.#enter({ kind: 'resuming', hold, handler });
    if (handler !== undefined) pagesAwaited(hold);
    const deadlineMs = this.#context.options.guestCallMs;
    const { startedNs, resumedAtNs } = runs
      ? await resumeGuest(hold.guest, pausedAtNs, deadlineMs)
      : leftPaused();
    this.#enter(
      handler === undefined
        ? { kind: 'complete', hold, runs }
        : { kind: 'running', hold, handler, runs },
    );
    this.#channel.send({
      type: 'running',
      resumedAtNs,
      loadStateMs,
      resumeMs: msBetween(startedNs, resumedAtNs),
    });
    if (handler === undefined) this.#sendComplete(hold, NO_FAULTS);
    // The last page may have come before the state was 'running'.
    else if (hold.arriving.pagesMissing === 0) this.#allHere();
  }

  /** Post-copy: the last page has come. Never throws: the addon calls it too. */
  #allHere(): void {
    const state = this.#state;
    if (state.kind !== 'running') return;
    const { hold, handler, runs } = state;
    const stats = handler.stats();
    this.#demandFaults = stats.demandFaults;
    try {
      hold.arriving.complete();
    } catch (error) {
      this.#channelFailed(asPageferryError(error, 'cannot end the serving of pages'));
      return;
    }
    pagesHere(hold);
    endHandler(handler);
    this.#enter({ kind: 'complete', hold, runs });
    this.#sendComplete(hold, stats);
  }

  /** The destination is being closed, and the guest is ours: its source may say so much more, and nothing after that. */
  readonly #hurry = () => {
    this.#hurried ??= setTimeout(
      () => this.abort(new PageferryError('PEER_GONE', 'the destination is shutting down')),
      GOODBYE_MS,
    );
  };

  #sendComplete(hold: Hold, faults: Faults): void {
    this.#channel.send(completeMessage(hold, faults));
    const { closing } = this.#context;
    if (closing.aborted) this.#hurry();
    else closing.addEventListener('abort', this.#hurry);
  }

  /** The source says that all is sent: then, once all has arrived, nothing may be missing. */
  async #checkAllPushed(sync: number): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'running') return;
    await reached(state.hold, sync, this.#switchoverContext);
    const missing = state.hold.arriving.pagesMissing;
    // Pages on the fault channel may still be under way; those alone are worth waiting for.
    if (missing > 0 && state.handler.stats().demandFaultsOverNetwork === 0) {
      throw new PageferryError(
        'PROTOCOL',
        `${this.peer} has sent everything, yet ${missing} pages are missing`,
      );
    }
  }

  async #verify({ hold, runs }: State<'complete'>, wanted: Verify): Promise<void> {
    const { closing, options } = this.#context;
    const { guestCallMs } = options;
    const context = { runs, guestCallMs, signal: this.#over.signal, closing };
    this.#channel.send(await verifyGuest(hold.guest, wanted, context));
  }

  /**
   * A page or fault channel ended. Once every page is here that is as it should be.
   *
   * A source that cancels says so on the control channel and then shuts the others down. What it said is taken first, which
   * it is by the end of this turn of the event loop: otherwise a cancel would be taken for a connection that was lost.
   */
  #channelFailed(error: Error): void {
    setImmediate(() => {
      if (this.#state.kind === 'complete' || this.#state.kind === 'ended') return;
      const reason = `a channel from ${this.peer} failed`;
      this.abort(asPageferryError(error, reason, { peer: this.peer }));
    });
  }

  /** `refused`: what failed is a guest that would not resume, and so does not run. */
  #fail(error: PageferryError, refused: boolean): DestinationEnd {
    const state = this.#state;
    this.progress();
    this.#sayFailed(error, this.#neverRan || refused);
    this.#enter({ kind: 'ended' });
    this.#channel.close();
    return endOfFailed(state, error, refused, this.peer);
  }

  #end(): DestinationEnd {
    const state = this.#state;
    this.progress();
    this.#enter({ kind: 'ended' });
    this.#channel.close();
    if (state.kind !== 'complete') throw new Error(`ended while ${state.kind}`);
    return handOver(state.hold);
  }
}
