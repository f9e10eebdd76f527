/** What this host can do, and the numbers of the protocol. */
import type { ChannelRole, FeatureName } from './connections.js';
import type { ContentName, ContentTraits } from './contents.js';
import type { TrackerKind } from './memory.js';

export interface Capability {
  readonly name: string;
  readonly available: boolean;
  readonly reason: string;
  readonly remedy: string;
}

export interface Probe {
  readonly kernel: string;
  readonly capabilities: readonly Capability[];
  readonly tracker: TrackerKind;
}

export interface ProtocolConstants {
  readonly magic: Uint8Array;
  readonly version: number;
  readonly preambleBytes: number;
  /** Of these many bytes the version is judged. */
  readonly preambleHeadBytes: number;
  readonly preambleTimeoutMs: number;
  readonly preambleReplyBytes: number;
  readonly preambleReplyHeadBytes: number;
  /** Connections without a preamble: all of them, and those from one address. */
  readonly maxPending: number;
  readonly maxPendingOfAddress: number;
  readonly recordHeaderBytes: number;
  readonly tableEntryBytes: number;
  readonly maxEntries: number;
  readonly maxPayloadBytes: number;
  readonly maxPagesPerEntry: number;
  /** Of one page channel, at the destination. */
  readonly maxHeldBytes: number;
  readonly stripePages: number;
  /** Of a block. */
  readonly maxMembers: number;
  readonly stripeFactor: bigint;
  readonly roles: Readonly<Record<ChannelRole, number>>;
  readonly statuses: Readonly<
    Record<
      | 'accepted'
      | 'version-not-supported'
      | 'unknown-migration'
      | 'busy'
      | 'not-resumable'
      | 'id-in-use',
      number
    >
  >;
  /** Bits of the preamble's flags. */
  readonly flags: Readonly<Record<'resume', number>>;
  readonly features: Readonly<Record<FeatureName, number>>;
  readonly recordTypes: Readonly<Record<'pages' | 'sync' | 'request', number>>;
  /** Of a record's type: whoever does not know it skips the record. */
  readonly optionalBit: number;
  /** In the order of their numbers. */
  readonly contents: Readonly<Record<ContentName, ContentTraits>>;
}
