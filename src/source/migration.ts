/**
 * One migration as the source sees it: the state that its phases share, and the two things that can end it
 * from outside, a failure and a cancel.
 */
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { Recorder, type Sent } from '../metrics/recorder.js';
import { binding } from '../native/binding.js';
import type { CaptureFile, Connection } from '../native/connections.js';
import type { DirtyTracker, PageSet } from '../native/memory.js';
import type { PageSender, PageServer, ResidualSet } from '../native/sending.js';
import type { ClockComparison } from '../policy/clock.js';
import { type ControlChannel, peerError } from '../protocol/channel.js';
import type { DestinationMessage, SourceMessage } from '../protocol/messages.js';
import { migrationIdText } from '../protocol/migration-id.js';
import type { Compression } from '../vocabulary.js';
import type { EffortDriver } from './effort.js';
import type { ResolvedOptions } from './options.js';
import { type Patience, within } from './patience.js';
import { ThroughputWatch } from './throughput-watch.js';

type MessageType = DestinationMessage['type'];
type MessageNamed<T extends MessageType> = Extract<DestinationMessage, { type: T }>;

/**
 * How far the guest has been given away. Only ever goes forward.
 *
 * `taken-back` follows `given-up` alone, and only on the destination's own word that the guest never ran there and never
 * will: it has let go of the guest before it says so, and nothing was taken from the memory here.
 */
export type Custody =
  | 'running-here'
  | 'paused-here'
  | 'given-up'
  | 'taken-back'
  | 'running-there'
  | 'arrived';

export class SourceMigration {
  readonly recorder: Recorder;
  readonly bucket;
  /** Of the guest, from the start to its pause. */
  readonly watch: ThroughputWatch;
  custody: Custody = 'running-here';
  /** Read just before the pause: false for a guest that its owner had paused. It arrives paused, and stays so here. */
  ranBefore = true;
  /** Everything was sent; only the destination's word is missing. */
  allSent = false;
  /** What the destination itself has said about giving up. */
  peerGaveUp: MessageNamed<'failed'> | undefined;
  channel: ControlChannel<SourceMessage, DestinationMessage> | undefined;
  faultConnection: Connection | undefined;
  /** Of all its channels, where one was asked for. */
  capture: CaptureFile | undefined;
  sender: PageSender | undefined;
  effort: EffortDriver | undefined;
  /** The final round, from when it begins: until it is over it uses the tracker. */
  sending: Promise<unknown> | undefined;
  server: PageServer | undefined;
  tracker: DirtyTracker | undefined;
  residual: ResidualSet | undefined;
  /** Post-copy's fault channel was closed by the destination. */
  faultChannelEnded: PageferryError | undefined;
  /** Pages that the destination does not have in their newest content, as far as is known. */
  pending: PageSet | undefined;
  /** The destination's monotonic clock beside ours. */
  clock: ClockComparison = { kind: 'shared', offsetNs: 0n, errorMs: 0 };
  /** Both processes run on the same boot of the same kernel. */
  sameHost = false;
  /** What makes pages smaller: as asked for, where the destination accepts it. */
  compression: Compression;
  /** The longest state that the destination takes. */
  maxStateBytes = 0;
  /** So long the destination waits for its guest to resume before it says that nobody knows. */
  guestCallMs = 0;
  readonly #over = new AbortController();
  readonly #calledOff: Promise<never>;
  #callOff: (error: PageferryError) => void = () => {};
  #failure: PageferryError | undefined;
  #receiving: Promise<DestinationMessage> | undefined;
  #toldPeer = false;

  constructor(
    readonly guest: Guest,
    readonly options: ResolvedOptions,
  ) {
    this.compression = options.compression;
    this.bucket = binding.createTokenBucket(options.bandwidthBytesPerSecond);
    this.recorder = new Recorder({
      migrationId: migrationIdText(options.migrationId),
      strategy: options.strategy.name,
      compression: options.compression,
      channels: options.channels,
      memoryBytes: guest.memory.bytes,
      workload: guest.probe?.workload ?? null,
      fill: guest.probe?.fill ?? null,
      gapResolutionMs: guest.probe?.gapResolutionMs ?? null,
    });
    this.watch = new ThroughputWatch(guest, this.recorder);
    this.#calledOff = new Promise((_, reject) => {
      this.#callOff = reject;
    });
    this.#calledOff.catch(() => {}); // Often nobody waits.
  }

  /** What ended the migration first, if anything did. */
  get failure(): PageferryError | undefined {
    return this.#failure;
  }

  /** Aborted with `failure` when that comes: ends the wait for a guest's answer. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** The dirty tracker ended by itself. Once the guest is given up, nobody needs it any more. */
  trackingFailed(error: Error): void {
    if (this.isOurs) {
      this.fail(asPageferryError(error, 'the writes of the guest are lost sight of'));
    }
  }

  /** The guest is this side's to run. */
  get isOurs(): boolean {
    return this.custody === 'running-here' || this.custody === 'paused-here';
  }

  /** It is known to be here, whether it runs or not. */
  get isHere(): boolean {
    return this.isOurs || this.custody === 'taken-back';
  }

  /** Throws what has ended the migration meanwhile. Past the commit point it has to be seen through. */
  throwIfCalledOff(): void {
    if (this.isOurs && this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Remembers the first failure and stops all native work, so that whoever waits for it goes on. The control channel
   * stays: the destination may still say why.
   */
  fail(error: PageferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#callOff(error);
    this.#over.abort(error);
    this.effort?.end();
    this.sender?.cancel();
    this.faultConnection?.close();
  }

  /** What `work` comes to; rejects with the failure as soon as there is one. */
  async orCalledOff<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#calledOff]);
  }

  /** The destination does not accept what pages were to be encoded with. */
  sendsRaw(): void {
    this.compression = 'raw';
    this.recorder.sendsRaw();
  }

  send(message: SourceMessage): void {
    this.control.send(message);
  }

  /** Tells the destination, once, that the migration is over. */
  tellPeer(message: Extract<SourceMessage, { type: 'cancel' | 'failed' }>): void {
    if (this.#toldPeer) return;
    this.#toldPeer = true;
    this.channel?.send(message);
  }

  get control(): ControlChannel<SourceMessage, DestinationMessage> {
    if (this.channel === undefined) throw new Error('no control channel yet');
    return this.channel;
  }

  /**
   * The next message, which must be of this type. A `failed` of the peer is thrown as its error; so is
   * an answer that takes longer than `patience` from a peer that is alive, and the migration's failure.
   */
  async expect<T extends MessageType>(type: T, patience: Patience): Promise<MessageNamed<T>> {
    const { peer } = this.control;
    const message = await within(patience, this.orCalledOff(this.#peek()), () => {
      const text = `${peer} has not said ${type} for ${patience.withinMs / 1000} s`;
      return new PageferryError('PEER_SILENT', text, { peer });
    });
    this.#receiving = undefined;
    if (message.type === type) return message as MessageNamed<T>;
    if (message.type === 'failed') {
      this.peerGaveUp = message;
      throw peerError(peer, message.code, message.message);
    }
    throw peerError(peer, 'PROTOCOL', `sent ${message.type} where ${type} was due`);
  }

  /** The next message, whatever it is, also when the migration has failed. */
  async take(): Promise<DestinationMessage> {
    const message = await this.#peek();
    this.#receiving = undefined;
    return message;
  }

  /** The next message stays until somebody takes it: who stops waiting for it loses nothing. */
  #peek(): Promise<DestinationMessage> {
    this.#receiving ??= this.control.receive();
    return this.#receiving;
  }

  /** Everything that was sent so far. */
  get sent(): Sent {
    const { pages, wireBytes } = this.sender?.progress() ?? NOTHING;
    const served = this.server?.stats() ?? NOTHING_SERVED;
    return {
      pages: {
        ...pages,
        raw: (pages.raw ?? 0) + served.pages - served.pagesZero - served.pagesLz4,
        zero: (pages.zero ?? 0) + served.pagesZero,
        ...(served.pagesLz4 > 0 && { lz4: (pages.lz4 ?? 0) + served.pagesLz4 }),
      },
      pagesServed: served.pages,
      wireBytes: wireBytes + served.wireBytes,
    };
  }
}

const NOTHING: Pick<ReturnType<PageSender['progress']>, 'pages' | 'wireBytes'> = {
  pages: {},
  wireBytes: 0,
};

const NOTHING_SERVED: ReturnType<PageServer['stats']> = {
  pages: 0,
  pagesZero: 0,
  pagesLz4: 0,
  wireBytes: 0,
};
