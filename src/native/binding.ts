/**
 * The only loader of the native addon, and its functions; its objects are described in the files beside this one. Every
 * promise is one bounded, cancellable piece of native work; errors carry `code` and, from a system call, `errno` (see errors.ts).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Address } from '../units.js';
import { type AddonPlace, explainAddonError } from './addon-error.js';
import type { Credential, RevocationList, Validity } from './certificates.js';
import type {
  Arrival,
  CaptureFile,
  Connection,
  ConnectTarget,
  ControlStream,
  CredentialFiles,
  Credentials,
  Gate,
  TokenBucket,
} from './connections.js';
import type { Probe, ProtocolConstants } from './constants.js';
import type { ContentName } from './contents.js';
import type { Encoding, Rung } from './effort.js';
import type { Image } from './inspection.js';
import type { Backing, DirtyTracker, GuestMemory, TrackerKind } from './memory.js';
import type { ProcessImage, ProcessTrace } from './processes.js';
import type { ArrivingMemory, FaultHandler, PageReceiver } from './receiving.js';
import type { PageSender, PageServer, ResidualSet } from './sending.js';
import type { NativeTrace, NativeWorkloadConfig, Workload } from './workload.js';

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
  /** Makes the file, or empties the one that is there. It ends before its file system has less than `reserve` bytes free. */
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
  /** `images`: those that a guest may go through; UNSUPPORTED for one that needs another. */
  arriveWorkload(
    memory: GuestMemory,
    description: Uint8Array,
    images: readonly Image[],
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
  openImage(path: string): Promise<Image>;
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
