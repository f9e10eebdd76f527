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
export type ContentName =
  | 'raw'
  | 'zero'
  | 'lz4'
  | 'zstd'
  | 'wkdm64'
  | 'wkdm32'
  | 'sparse'
  | 'zstd-delta'
  | 'lz4-delta'
  | 'xbzrle'
  | 'fill'
  | 'missing';

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
  /** How fast they deliver together; null where one of them had nothing to send, so that nobody knows. */
  readonly deliveryBytesPerSecond: number | null;
  /** From the last bytes to their acknowledgement; and the least, when nothing waits on the way. */
  readonly roundTripMs: number;
  readonly leastRoundTripMs: number;
}

/** What the pages of one content came to. */
export interface ContentStats {
  readonly pages: number;
  /** Of the pages, and of their payload on the wire. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of all encoders together; 0 for pages that need none. */
  readonly encodeMs: number;
}

/** Those of which there are pages. */
export type Contents = Readonly<Partial<Record<ContentName, ContentStats>>>;

/** Of the content `zstd`, by level. */
export type ZstdLevels = Readonly<Record<number, ContentStats>>;

/** Where the threads of the page channels waited, added up. */
export interface Waits {
  /** For the socket to take what they send. */
  readonly socketMs: number;
  /** For the rate limit. */
  readonly rateMs: number;
  /** For pages to be encoded. */
  readonly encoderMs: number;
}

export interface SendStats {
  readonly contents: Contents;
  readonly waits: Waits;
  readonly pagesSkipped: number;
  readonly wireBytes: number;
  readonly ms: number;
}

export type Rung =
  | { readonly method: 'raw' }
  | {
      readonly method: 'blocks';
      readonly encoding: 'lz4' | 'zstd' | 'wkdm64';
      /** Of zstd, 1 … 19; the others have one. */
      readonly level: number;
      /** Encoded together, 1 … 64; at most 16 once the guest is paused. */
      readonly blockPages: number;
    }
  /** Sparse, WKdm or LZ4 by the page's class, page by page. */
  | { readonly method: 'mecom' };

/** How much is done to make pages smaller. */
export interface EffortPlan {
  /** How a page is encoded without a base: while the link waits for the encoders, and while they wait for it. */
  readonly lower: Rung;
  readonly upper: Rung;
  /** How a page is encoded whose last sent version is kept. */
  readonly deltas: 'none' | 'zstd' | 'lz4' | 'xbzrle';
  /** That work at the same time, 0 … 255. */
  readonly encoders: number;
  /** Of encoded pages of one channel that wait for its socket, 64 KiB … 4 GiB. */
  readonly queueBytes: number;
}

/** How a source encodes pages. */
export interface Encoding {
  readonly effort: EffortPlan;
  /** Threads that encode; without any, those of the page channels do. */
  readonly encoders: number;
  /** Of these threads, 0 … 19: how much they give way to the guest's. */
  readonly encoderNice: number;
  /** Bytes that are kept of what was sent, as bases of deltas; 0: nothing. */
  readonly versionBytes: number;
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
    readonly pages: Readonly<Partial<Record<ContentName, number>>>;
    /** Encoded so far, sent or not. */
    readonly contents: Contents;
    readonly zstdLevels: ZstdLevels;
    readonly wireBytes: number;
  };
  /** From the next block on. */
  setEffort(plan: EffortPlan): void;
  /** Bytes that are kept of what was sent. */
  readonly versionBytes: number;
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
  /** Whether pages are sent as LZ4 from now on, where that makes them smaller. */
  compress(on: boolean): void;
  stats(): {
    readonly pages: number;
    readonly pagesZero: number;
    readonly pagesLz4: number;
    readonly wireBytes: number;
  };
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
  readonly workload: WorkloadName | 'trace' | 'snapshots';
  readonly workingSetBytes: number;
  readonly writesPerSecond: number;
  readonly writeBytes: number;
  readonly threads: number;
  readonly seed: number;
  readonly fill: 'zero' | 'random' | 'text' | 'file' | 'process' | 'image';
  /** Of a file or an image. */
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

/** Why an image has no more snapshots. */
export type ImageEnd = 'complete' | 'interrupted' | 'process-ended' | 'full';

export interface ImageSnapshot {
  /** From the beginning of the first one, without the time for which the process was stopped. */
  readonly timeMs: number;
  readonly durationMs: number;
  /** Pages that it sets, and those of them that have a content in the file: the others became zero. */
  readonly entries: number;
  readonly contents: number;
}

export interface ImageMapping {
  /** A file, a [name] of the kernel's, or empty. */
  readonly name: string;
  readonly bytes: number;
  /** Those that were resident. */
  readonly pages: number;
  /** Why none of its pages is in the image; empty when they are. */
  readonly leftOut: '' | 'not-readable' | 'kernel' | 'device';
}

export interface ImageSummary {
  readonly fileBytes: number;
  readonly pages: number;
  /** Of the first snapshot: they vanished before they were copied, or the kernel let nobody read them. */
  readonly unreadablePages: number;
  readonly snapshots: readonly ImageSnapshot[];
  /** As they were at the first snapshot. */
  readonly mappings: readonly ImageMapping[];
}

/**
 * A process whose memory is written to a file, one call at a time. release() before finish() lets the process go on and
 * leaves no file. PEER_CLOSED when the process has ended.
 */
export interface ProcessImage extends Releasable {
  beginSnapshot(): Promise<void>;
  /** A part of it. With the last one it is whole. */
  step(): Promise<{
    readonly pages: number;
    readonly of: number;
    readonly storedBytes: number;
    readonly complete: boolean;
  }>;
  /** As if it had not begun; only finish() may follow. */
  dropSnapshot(): void;
  finish(end: ImageEnd): Promise<ImageSummary>;
}

/** What a page holds: zeros, one word that repeats, or one of the classes that `mecom` goes by. */
export type PageContent = 'zero' | 'fill' | 'sparse' | 'similar' | 'other';

/** One encoding, to be tried on the pages of an image that are neither zero nor of one word. */
export interface EncodingTrial {
  readonly encoding: ContentName;
  /** Of zstd and zstd-delta; otherwise 1. */
  readonly level: number;
  /** 1 … 64 */
  readonly blockPages: number;
  /** The pages that later snapshots change, instead of those of the first one; a delta is only possible there. */
  readonly changes: boolean;
  /** About, in evenly spread runs; 0: all. */
  readonly mostPages: number;
}

export interface EncodingResult {
  readonly pages: number;
  /** Blocks that do not get below 95 % count whole. */
  readonly bytesOut: number;
  /** In such blocks. */
  readonly pagesRaw: number;
  readonly encodeNs: number;
  /** Of the other pages. */
  readonly decodeNs: number;
}

export interface BlockOfPage {
  /** Encoded together; 0 for a page that is zero or of one word. */
  readonly pages: number;
  /** Of the block; null where it does not shrink below 95 %, and would be sent as it is. */
  readonly bytes: number | null;
}

/** An image file that is open. */
export interface ImageInspection extends Releasable {
  /** The pages of the first snapshot. */
  countContents(): Promise<Readonly<Record<PageContent, number>>>;
  /** PROTOCOL where a block was decoded to something else. */
  tryEncoding(trial: EncodingTrial): Promise<EncodingResult>;
  /** At the first snapshot. */
  lookAtPage(page: number): Promise<PageContent>;
  /** Bytes of that page encoded by itself; null where they are no fewer. Not for a delta. */
  tryPage(page: number, encoding: ContentName, level: number): Promise<number | null>;
  /** The block that a sender would put this page into, 1 to 64 pages long. Not for a delta. */
  tryBlockOf(
    page: number,
    encoding: ContentName,
    level: number,
    blockPages: number,
  ): Promise<BlockOfPage>;
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

/** What an entry's payload is: its pages, nothing, a word, a block, a bit a page or nothing. */
export type PayloadRule = 'pages' | 'none' | 'word' | 'block' | 'bitmap';

export interface ContentTraits {
  readonly id: number;
  readonly mostPages: number;
  readonly payload: PayloadRule;
  /** Decoded beside an older content of its page. */
  readonly needsBase: boolean;
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
    encoding: Encoding,
    sendBufferBytes: number,
  ): PageSender;
  /** Nanoseconds of one core to encode a page by each of these rungs, which encode blocks; `sample`: 1 … 4096 pages. */
  measureRungs(rungs: readonly Rung[], sample: Uint8Array): Promise<number[]>;
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
    contents: readonly ContentName[],
    onFailure: (error: Error) => void,
  ): FaultHandler;
  /** `trace`: for the workload of that name, and for no other. */
  createWorkload(
    memory: GuestMemory,
    config: NativeWorkloadConfig,
    trace: NativeTrace | undefined,
  ): Promise<Workload>;
  /** `images`: paths of those that a guest may go through; UNSUPPORTED for one that needs another. */
  arriveWorkload(
    memory: GuestMemory,
    description: Uint8Array,
    images: readonly string[],
  ): Promise<Workload>;
  /** All pages of a guest that has so many of them before its appendix. */
  pagesWithAppendix(
    pages: number,
    fillIsCaptured: boolean,
    traceIntervals: number,
    traceWrites: number,
  ): number;
  /** Takes a first look at the process. */
  startProcessTrace(pid: number): Promise<ProcessTrace>;
  /** `stop`: the process stands still during each snapshot. */
  startProcessImage(pid: number, path: string, stop: boolean): Promise<ProcessImage>;
  /** What the tables of an image file say; its contents are not read. INVALID_ARGUMENT for what is none. */
  describeImage(path: string): Promise<{ readonly pages: number; readonly snapshots: number }>;
  /** Reads all of it. INVALID_ARGUMENT for what is no image, or is damaged. */
  openImage(path: string): Promise<ImageInspection>;
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
  /** Null when the block does not become shorter. `base` only where the encoding needs one. */
  encodeBlock(
    encoding: string,
    level: number,
    pages: Uint8Array,
    base: Uint8Array | null,
  ): Uint8Array | null;
  decodeBlock(
    encoding: string,
    encoded: Uint8Array,
    bytes: number,
    base: Uint8Array | null,
  ): Uint8Array;
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
