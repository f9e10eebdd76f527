/**
 * One migration as the source sees it: the state that its phases share, and the two things that can end it
 * from outside, a failure and a cancel.
 */
import { randomBytes } from 'node:crypto';
import type { PageferryError } from '../errors.js';
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
  channel: ControlChannel<SourceMessage, DestinationMessage> | undefined;
  faultConnection: Connection | undefined;
  sender: PageSender | undefined;
  server: PageServer | undefined;
  tracker: DirtyTracker | undefined;
  residual: ResidualSet | undefined;
  /** Pages that the destination does not have in their newest content, as far as is known. */
  pending: PageSet | undefined;
  /** Destination's monotonic clock minus ours, in nanoseconds; 0 on one host. */
  clockOffsetNs = 0n;
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

  /** Remembers the first failure and stops all native work, so that whoever waits for it goes on. */
  fail(error: PageferryError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
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

  /** The next message, which must be of this type. A `failed` of the peer is thrown as its error. */
  async expect<T extends MessageType>(type: T): Promise<MessageNamed<T>> {
    const message = await this.control.receive();
    if (message.type === type) return message as MessageNamed<T>;
    if (message.type === 'failed') {
      throw peerError(this.control.peer, message.code, message.message);
    }
    throw peerError(this.control.peer, 'PROTOCOL', `sent ${message.type} where ${type} was due`);
  }

  /** Bytes at the page and fault sockets so far. */
  get wireBytes(): number {
    return (this.sender?.progress().wireBytes ?? 0) + (this.server?.stats().wireBytes ?? 0);
  }
}
