/**
 * One migration as the source sees it: the state that its phases share, and the two things that can end it
 * from outside, a failure and a cancel.
 */
import { randomBytes } from 'node:crypto';
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { Recorder } from '../metrics/recorder.js';
import {
  binding,
  type Connection,
  type DirtyTracker,
  type PageSender,
  type PageServer,
  type PageSet,
  type ResidualSet,
} from '../native/binding.js';
import type { ClockComparison } from '../policy/clock.js';
import { type ControlChannel, peerError } from '../protocol/channel.js';
import type { DestinationMessage, SourceMessage } from '../protocol/messages.js';
import type { ResolvedOptions } from './options.js';

type MessageType = DestinationMessage['type'];
type MessageNamed<T extends MessageType> = Extract<DestinationMessage, { type: T }>;

/** How far the guest has been given away. Only ever goes forward. */
export type Custody = 'running-here' | 'paused-here' | 'given-up' | 'running-there' | 'arrived';

export class SourceMigration {
  readonly id = randomBytes(16);
  readonly recorder: Recorder;
  readonly bucket;
  custody: Custody = 'running-here';
  /** Everything was sent; only the destination's word is missing. */
  allSent = false;
  /** The destination itself has said that it gave up. */
  peerGaveUp = false;
  channel: ControlChannel<SourceMessage, DestinationMessage> | undefined;
  faultConnection: Connection | undefined;
  sender: PageSender | undefined;
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
  readonly #over = new AbortController();
  #failure: PageferryError | undefined;

  constructor(
    readonly guest: Guest,
    readonly options: ResolvedOptions,
  ) {
    this.bucket = binding.createTokenBucket(options.bandwidthBytesPerSecond);
    this.recorder = new Recorder({
      strategy: options.strategy.name,
      codec: options.codec,
      channels: options.channels,
      memoryBytes: guest.memory.bytes,
      workload: guest.probe?.workload ?? null,
    });
  }

  /** What ended the migration first, if anything did. */
  get failure(): PageferryError | undefined {
    return this.#failure;
  }

  /** Aborted with `failure` when that comes: ends the wait for a guest's answer. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Throws what has ended the migration meanwhile. Past the commit point it has to be seen through. */
  throwIfCalledOff(): void {
    if (this.#isOurs && this.#failure !== undefined) throw this.#failure;
  }

  /** The dirty tracker ended by itself. Once the guest is given up, nobody needs it any more. */
  trackingFailed(error: Error): void {
    if (this.#isOurs)
      this.fail(asPageferryError(error, 'the writes of the guest are lost sight of'));
  }

  get #isOurs(): boolean {
    return this.custody === 'running-here' || this.custody === 'paused-here';
  }

  /** Remembers the first failure and stops all native work, so that whoever waits for it goes on. */
  fail(error: PageferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#over.abort(error);
    this.sender?.cancel();
    this.faultConnection?.close();
    this.channel?.close();
  }

  send(message: SourceMessage): void {
    this.control.send(message);
  }

  get control(): ControlChannel<SourceMessage, DestinationMessage> {
    if (this.channel === undefined) throw new Error('no control channel yet');
    return this.channel;
  }

  /**
   * The next message, which must be of this type. A `failed` of the peer is thrown as its error; so is
   * an answer that takes longer than `withinMs` from a peer that is alive.
   */
  async expect<T extends MessageType>(type: T, withinMs?: number): Promise<MessageNamed<T>> {
    const message = await this.#receive(type, withinMs);
    if (message.type === type) return message as MessageNamed<T>;
    if (message.type === 'failed') {
      this.peerGaveUp = true;
      throw peerError(this.control.peer, message.code, message.message);
    }
    throw peerError(this.control.peer, 'PROTOCOL', `sent ${message.type} where ${type} was due`);
  }

  async #receive(type: MessageType, withinMs: number | undefined): Promise<DestinationMessage> {
    if (withinMs === undefined) return await this.control.receive();
    const { peer } = this.control;
    // A plain timer: an abortable sleep builds an error to end it, which costs 0.6 ms the first time, and
    // the guest is paused.
    let late: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      late = setTimeout(() => {
        const seconds = withinMs / 1000;
        reject(
          new PageferryError('PEER_SILENT', `${peer} has not said ${type} for ${seconds} s`, {
            peer,
          }),
        );
      }, withinMs);
    });
    try {
      return await Promise.race([this.control.receive(), timeout]);
    } finally {
      clearTimeout(late);
    }
  }

  /** Bytes at the page and fault sockets so far. */
  get wireBytes(): number {
    return (this.sender?.progress().wireBytes ?? 0) + (this.server?.stats().wireBytes ?? 0);
  }
}
