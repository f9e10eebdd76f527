/** Connections between both sides, and what they are made with. */
import type { Address } from '../units.js';
import type { Releasable } from './releasable.js';

export type ChannelRole = 'control' | 'page' | 'fault';

/** What the protocol uses where both sides have it. */
export type FeatureName = 'query';

/** Where the bytes of a migration's channels are recorded. */
export interface CaptureFile extends Releasable {
  /** Ends the file: what comes later is not recorded. Throws what kept it from being whole. Idempotent. */
  close(): void;
}

/** A connection past its preamble that no channel has taken yet. */
export interface Connection {
  readonly peer: string;
  /** Those that both sides have, as the preambles say. */
  readonly features: readonly FeatureName[];
  /** Of one that has arrived: from its preamble on it is captured. Before it is answered. */
  tee(capture: CaptureFile): void;
  /** Sends the answer to the preamble; false when the peer is gone. */
  answer(status: number): boolean;
  close(): void;
}

export interface Arrival {
  readonly role: ChannelRole;
  readonly channel: number;
  readonly migrationId: Uint8Array;
  /** Asks to go on with a migration that is here. */
  readonly resume: boolean;
  readonly connection: Connection;
}

/** What this side proves itself with, and what it asks of the other: certificates, or a key that both were given. */
export interface Credentials extends Releasable {
  /**
   * Reads the files again, for connections that begin after it. Throws where they are not good: then what was there
   * stays in use.
   */
  reload(): void;
}

/** Paths of files. */
export type CredentialFiles =
  | {
      readonly certificate: string;
      readonly key: string;
      readonly ca: string;
      readonly crl?: string;
      readonly allowedPeers?: readonly string[];
    }
  | { readonly preSharedKey: string };

/** A connection that JavaScript reads and writes itself. Nothing waits. */
export interface ControlStream {
  /** Answers how many of the bytes were sent. Throws when the connection is lost. */
  send(bytes: Uint8Array): number;
  /** Null when nothing has come. Throws PEER_CLOSED at the end, without an errno where the peer has ended its side. */
  receive(): Buffer | null;
  /** When to call `onReady` from now on; with neither never. What receive() has left is no reason. */
  watch(readable: boolean, writable: boolean): void;
  /** Nothing more is sent. */
  endSending(): void;
  /** Idempotent; every other call throws after it, but watch(). */
  close(): void;
}

export interface Gate {
  /** With the port that it has. */
  readonly address: Address;
  close(): void;
}

export interface ConnectTarget {
  readonly address: Address;
  /** Null: without TLS. */
  readonly credentials: Credentials | null;
  /** For which the other side's certificate must be; by default the address's host. */
  readonly serverName?: string;
  readonly role: ChannelRole;
  readonly channel: number;
  readonly migrationId: Uint8Array;
  /** For the connection and for the answer to the preamble. */
  readonly timeoutMs: number;
  readonly capture: CaptureFile | null;
  /** A send that makes no progress for this long fails. */
  readonly stallMs: number;
}

/** Limits the rate of all that it is given to. */
export interface TokenBucket {
  /** From now on, for who waits too; 0: no limit. */
  setRate(bytesPerSecond: number): void;
}

/** The way to the destination, as the kernel measures it. */
export interface Link {
  /** By the page channels so far. */
  readonly deliveredBytes: number;
  /** Time so far in which the busiest of them had data on its way, or waiting to be. */
  readonly busyMs: number;
  /** How fast they deliver together; null where one of them had nothing to send, so that nobody knows. */
  readonly deliveryBytesPerSecond: number | null;
  /** From the last bytes to their acknowledgement; and the least, when nothing waits on the way. */
  readonly roundTripMs: number;
  readonly leastRoundTripMs: number;
}
