/**
 * The only loader of the native addon, and its typed surface. Every promise here is one bounded,
 * cancellable piece of native work; errors carry `code` and, from a system call, `errno` (see errors.ts).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Address } from '../units.js';
import { type AddonPlace, explainAddonError } from './addon-error.js';

export type TrackerKind = 'uffd-wp-async' | 'uffd-wp-sync' | 'mprotect';
export const TRACKER_KINDS: readonly TrackerKind[] = ['uffd-wp-async', 'uffd-wp-sync', 'mprotect'];

export type Backing = 'shared' | 'private';
export type ChannelRole = 'control' | 'page' | 'fault';
/** What the protocol uses where both sides have it. */
export type FeatureName = 'query';
/** What an entry of a pages record carries. */
export type ContentName = 'raw' | 'zero' | 'lz4' | 'missing';

/**
 * Gigabytes and threads hang on these objects: release() lets go of them now instead of at some garbage
 * collection. Idempotent; other calls throw afterwards.
 */
export interface Releasable {
  release(): void;
}

/** A set of pages of one memory: a dirty set, a residual set. Its bits live in native memory. */
export interface PageSet {
  readonly pageCount: number;
  count(): number;
  /** In how many runs its pages lie; counts no further than `most`. */
  countRuns(most: number): number;
  /** No call that was given the set may be under way. */
  clear(): void;
}

/** `pages` pages from page `page` on. */
export interface PageRun {
  readonly page: number;
  readonly pages: number;
}

/**
 * A guest's memory. release() is for a guest that has ended, or is being ended: should a thread of it wait for a
 * page that has not come, it goes on and sees zeros.
 */
export interface GuestMemory extends Releasable {
  readonly bytes: number;
  readonly pageCount: number;
  readonly backing: Backing;
  readonly regions: readonly { readonly bytes: number; readonly pageBytes: number }[];
  /** The pages that hold anything; does not read them. */
  findPopulated(): Promise<PageSet>;
  /** Bytes of the pages that hold something. */
  populatedBytes(): Promise<number>;
  /** The same at once, as the kernel counts it, of shared memory; 0 of private memory, and once released. */
  allocatedBytes(): number;
  /**
   * Runs of pages that all hold content, as far as a sample shows: the `most` longest of those that fill whole huge
   * pages, ascending.
   */
  findDenseParts(most: number): Promise<PageRun[]>;
  /** Populates every page, so that a migration into this memory meets warm pages. */
  prefault(): Promise<void>;
  /**
   * The guest's own view of `bytes` bytes from `offset`, at most 4 GiB − 1, within one region, for this thread.
   *
   * From then on no guest arrives in this memory by post-copy or hybrid, because this thread runs its
   * migration and must not wait for its pages. Throws UNSUPPORTED while pages are still on their way.
   */
  window(offset: number, bytes: number): SharedArrayBuffer;
  /**
   * The same for a guest that runs in a Worker: post it there, where it is the same memory. This thread must
   * never touch it: while pages are on their way it would wait for itself, and for ever.
   */
  workerWindow(offset: number, bytes: number): SharedArrayBuffer;
  /** True once window() has answered. */
  readonly hasWindow: boolean;
}

export interface DirtyTracker extends Releasable {
  readonly kind: TrackerKind;
  arm(): Promise<void>;
  /** Adds what was written since arm or the last harvest, and tracks it again. */
  harvest(into: PageSet): Promise<void>;
  peek(into: PageSet): Promise<void>;
  /** Done here and now when the system has no thread left for it. */
  disarm(): Promise<void>;
}

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
  /** From the last bytes to their acknowledgement; and the least, when nothing waits on the way. */
  readonly roundTripMs: number;
  readonly leastRoundTripMs: number;
}

export interface SendStats {
  readonly pagesRaw: number;
  readonly pagesZero: number;
  readonly pagesEncoded: number;
  readonly pagesSkipped: number;
  readonly wireBytes: number;
  readonly ms: number;
}

export interface ResidualSet {
  count(): number;
  add(pages: PageSet): void;
}

/** Has a thread for each page channel from its creation on. release() cancels, and waits for those to end. */
export interface PageSender extends Releasable {
  readonly lastSync: number;
  /** Pages that the tracker finds written again are left out: they are dirty, and sent later. */
  sendRound(pages: PageSet, skipHot: DirtyTracker): Promise<SendStats>;
  /**
   * With the guest paused: adds to `pages` what was written since the last harvest, or without a tracker what
   * is populated by now; then sends them, or announces them as the residual set.
   */
  finalRound(pages: PageSet, tracker: DirtyTracker | null, announce: boolean): Promise<SendStats>;
  push(residual: ResidualSet): Promise<SendStats>;
  /** What all calls have sent so far, also those that failed: pages whose bytes are in the sockets. */
  progress(): {
    readonly pagesRaw: number;
    readonly pagesZero: number;
    readonly pagesEncoded: number;
    readonly wireBytes: number;
  };
  /** Bytes in the sockets that the peer's kernel has not acknowledged: they are on their way. */
  unacknowledgedBytes(): number;
  /** Null where the destination is on this host, and while nothing is on its way. */
  link(): Link | null;
  /** Every call under way or to come fails with CANCELLED; the connections are shut down. */
  cancel(): void;
}

export interface ArrivingMemory extends Releasable {
  readonly pagesMissing: number;
  /**
   * Once, before the first page: populates these parts on threads of its own, ahead of the page channels. Settles when
   * all are, or when that is of no more use.
   */
  populateAhead(parts: readonly PageRun[]): Promise<void>;
  /** The guest does not arrive. */
  cancelPopulating(): void;
  /** `userModeSuffices`: no system call touches the guest's memory, so that one which faults may fail. */
  startServing(onComplete: () => void, userModeSuffices: boolean): void;
  complete(): void;
}

export interface PageReceiver extends Releasable {
  addChannel(channel: number, connection: Connection): void;
  hasReached(sync: number): boolean;
  /** Settles once every channel has delivered the sync, with the first failure, or CANCELLED after close. */
  waitSync(sync: number): Promise<void>;
  progress(): {
    readonly pages: number;
    readonly duplicatePages: number;
    readonly wireBytes: number;
  };
  close(): void;
}

export interface PageServer extends Releasable {
  stats(): { readonly pages: number; readonly pagesZero: number; readonly wireBytes: number };
  close(): void;
}

export interface FaultLatency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface FaultHandler extends Releasable {
  stats(): {
    readonly demandFaults: number;
    readonly demandFaultsOverNetwork: number;
    readonly duplicatePages: number;
    readonly faultLatencyUs: FaultLatency;
  };
  close(): void;
}

export type WorkloadName = 'idle' | 'sequential' | 'uniform' | 'hotset' | 'zipf' | 'phased' | 'kv';
export const WORKLOAD_NAMES: readonly WorkloadName[] = [
  'idle',
  'sequential',
  'uniform',
  'hotset',
  'zipf',
  'phased',
  'kv',
];

export interface NativeWorkloadConfig {
  readonly workload: WorkloadName | 'trace';
  readonly workingSetBytes: number;
  readonly writesPerSecond: number;
  readonly writeBytes: number;
  readonly threads: number;
  readonly seed: number;
  readonly fill: 'zero' | 'random' | 'text' | 'file' | 'process';
  readonly path?: string;
  readonly pid?: number;
}

/** A trace for a guest to replay: src/trace/format.ts. */
export interface NativeTrace {
  readonly pages: number;
  readonly intervals: Float64Array;
  readonly writes: Uint32Array;
}

/** A certificate and its private key, in PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** Seconds since 1970. A certificate is taken from `begin` on, and at `end` no more. */
export interface Validity {
  readonly begin: number;
  readonly end: number;
}

export interface RevocationList {
  /** Grows with every list of a CA. */
  readonly number: number;
  /** `serial` is hexadecimal, in capitals; `at` in seconds since 1970. */
  readonly revoked: readonly { readonly serial: string; readonly at: number }[];
}

/** A process whose writes are recorded. */
export interface ProcessTrace extends Releasable {
  readonly method: 'soft-dirty' | 'digest';
  /**
   * What was written since the look before: pairs of first page and length, and how many pages there are by now. One
   * at a time. PEER_CLOSED when the process has ended.
   */
  look(): Promise<{ readonly runs: Uint32Array; readonly pages: number }>;
}

export interface Verification {
  readonly pagesCompared: number;
  readonly pagesDifferent: number;
  readonly firstDifferentPage: number | null;
  readonly failedReads: number;
}

export interface Workload extends Releasable {
  description(): Uint8Array;
  config(): Omit<NativeWorkloadConfig, 'path' | 'pid'>;
  /** What its memory was filled with, for people; empty on a guest that arrived. */
  fillSummary(): string;
  resume(): void;
  /** CLOCK_MONOTONIC: when resume() last let the guest threads run. */
  resumedAtNs(): bigint;
  pause(): Promise<void>;
  saveState(): Uint8Array;
  loadState(state: Uint8Array): void;
  progress(): { readonly operations: number; readonly pageWrites: number };
  startGapWatch(): void;
  longestGapMs(): number;
  /** So far apart the marks of a guest thread may be while nothing disturbs it. */
  gapResolutionMs(): number;
  /** Of a guest that arrived: its longest gaps before, across and after the switchover. */
  gapsAroundArrivalMs(): {
    readonly before: number;
    readonly across: number;
    readonly after: number;
  };
  setTimeAway(nanoseconds: number): void;
  /** Compares so many pages, one from each of as many equal parts of the memory; `seed` chooses which. */
  verify(
    threads: number,
    sample: { readonly pages: number; readonly seed: number },
  ): { readonly result: Promise<Verification>; cancel(): void };
}

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

/** How long an entry's payload is: that of its pages, nothing, less than its page, a bit a page or nothing. */
export type PayloadRule = 'pages' | 'none' | 'shorter' | 'bitmap';

export interface ContentTraits {
  readonly id: number;
  readonly mostPages: number;
  readonly payload: PayloadRule;
  /** Decoded beside an older content of its page. */
  readonly needsBase: boolean;
  /** Decoded beside other pages that both sides keep. */
  readonly usesCache: boolean;
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

export interface Binding {
  createGuestMemory(regionBytes: readonly number[]): GuestMemory;
  /**
   * `onFailure` is told, at most once after each arm, when it can track no more although nobody called it. It
   * has lifted every protection by then, and harvest and peek reject until it is armed again.
   */
  createDirtyTracker(
    memory: GuestMemory,
    kind: TrackerKind,
    onFailure: (error: Error) => void,
  ): DirtyTracker;
  /** Throws, with a `reason`, where a file cannot be read, does not hold what it should, or is out of date. */
  openCredentials(files: CredentialFiles): Credentials;
  /** Makes the file, or empties the one that is there. */
  /** It ends before its file system has less than `reserve` bytes free. */
  createCapture(path: string, side: 'source' | 'destination', reserve: number): CaptureFile;
  connect(target: ConnectTarget): Promise<Connection>;
  openControl(
    connection: Connection,
    onReady: (readable: boolean, writable: boolean) => void,
  ): ControlStream;
  /**
   * `onTrouble`: connections wait and cannot be accepted; called once, until one was accepted again. A call that was
   * queued may still come after close().
   */
  listen(
    address: Address,
    credentials: Credentials | null,
    stallMs: number,
    onArrival: (arrival: Arrival) => void,
    onStranger: (peer: string, reason: string, others: number) => void,
    onTrouble: (error: Error) => void,
  ): Gate;
  createTokenBucket(bytesPerSecond: number): TokenBucket;
  createPageSender(
    memory: GuestMemory,
    connections: readonly Connection[],
    bucket: TokenBucket,
    codec: 'lz4' | null,
    sendBufferBytes: number,
  ): PageSender;
  /** Empty. */
  createResidualSet(memory: GuestMemory): ResidualSet;
  createArrivingMemory(memory: GuestMemory): ArrivingMemory;
  createPageReceiver(
    arriving: ArrivingMemory,
    channels: number,
    contents: readonly ContentName[],
    onFailure: (error: Error) => void,
  ): PageReceiver;
  startPageServer(
    memory: GuestMemory,
    residual: ResidualSet,
    bucket: TokenBucket,
    connection: Connection,
    onEnd: (error: Error) => void,
  ): PageServer;
  startFaultHandler(
    arriving: ArrivingMemory,
    connection: Connection,
    onFailure: (error: Error) => void,
  ): FaultHandler;
  /** `trace`: for the workload of that name, and for no other. */
  createWorkload(
    memory: GuestMemory,
    config: NativeWorkloadConfig,
    trace: NativeTrace | undefined,
  ): Promise<Workload>;
  arriveWorkload(memory: GuestMemory, description: Uint8Array): Promise<Workload>;
  /** All pages of a guest that has so many of them before its appendix. */
  pagesWithAppendix(
    pages: number,
    fillIsCaptured: boolean,
    traceIntervals: number,
    traceWrites: number,
  ): number;
  /** Takes a first look at the process. */
  startProcessTrace(pid: number): Promise<ProcessTrace>;
  /** `name` is its common name. */
  createAuthority(name: string, validity: Validity): Credential;
  /** The first name is the common name; one that is no IP address counts as a DNS name. */
  issueCertificate(authority: Credential, names: readonly string[], validity: Validity): Credential;
  /** In PEM. */
  signRevocationList(authority: Credential, list: RevocationList, validity: Validity): string;
  /** INVALID_ARGUMENT when another than this CA has signed it. */
  readRevocationList(authorityCertificate: string, list: string): RevocationList;
  /** Until the descriptor is closed. False while another opening of the file holds the lock. */
  tryLockFile(descriptor: number): boolean;
  probe(backing: Backing): Probe;
  protocolConstants(): ProtocolConstants;
  encodePage(codec: string, page: Uint8Array): Uint8Array | null;
  decodePage(codec: string, encoded: Uint8Array, pageBytes: number): Uint8Array;
  lz4Version(): string;
}

const root = new URL('../../', import.meta.url);

function inPackage(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/**
 * A clone has the addon that was built in it, and a package the one that it brought for this platform. They are told
 * apart by binding.gyp, which is in no package, so that neither stands in for the other. PAGEFERRY_ADDON names another
 * build: how the sanitizers get at it.
 */
function addonPlace(): AddonPlace {
  const named = process.env['PAGEFERRY_ADDON'];
  if (named !== undefined) return { kind: 'named by PAGEFERRY_ADDON', path: named };
  if (existsSync(inPackage('binding.gyp'))) {
    return { kind: 'built in a clone', path: inPackage('build/Release/pageferry.node') };
  }
  const platform = `${process.platform}-${process.arch}`;
  return {
    kind: 'brought by the package',
    path: inPackage(`prebuilds/${platform}/pageferry.node`),
    platform,
  };
}

function load(): Binding {
  const place = addonPlace();
  try {
    return createRequire(import.meta.url)(place.path) as Binding;
  } catch (error) {
    throw explainAddonError(place, error);
  }
}

export const binding: Binding = load();
