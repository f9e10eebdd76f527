/** What a migration can be told, and what that comes to with the defaults. */
import { availableParallelism } from 'node:os';
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { readMemory } from '../host/memory.js';
import type { Credentials } from '../native/connections.js';
import { probe } from '../native/machine.js';
import type { TrackerKind } from '../native/memory.js';
import { addressOf } from '../options/address.js';
import { openCredentials, serverNameOf } from '../options/credentials.js';
import { checkOptions } from '../options/field.js';
import { requireSecurity, type TlsOptions } from '../options/security.js';
import { SOURCE_FIELDS, SOURCE_SCHEMA } from '../options/source-fields.js';
import type { Alternative } from '../policy/convergence.js';
import { defaultChannels } from '../policy/copying.js';
import { defaultCacheBytes } from '../policy/effort/compression.js';
import { chooseTracker, type TrackerChoice } from '../policy/tracker.js';
import { migrationIdOf, randomMigrationId } from '../protocol/migration-id.js';
import {
  ask,
  hybrid,
  ownStrategy,
  postCopy,
  preCopy,
  type Strategy,
  stopAndCopy,
} from '../strategy/strategy.js';
import type { Address } from '../units.js';
import type { Compression, StrategyName } from '../vocabulary.js';

/** The ranges and defaults are those of src/options/source-fields.ts. */
export interface SourceOptions {
  /** With `port`: where the destination listens. */
  readonly host?: string;
  /** 1 … 65,535. */
  readonly port?: number;
  /** Instead of both: the Unix-domain socket where it listens, or a tunnel to it begins. */
  readonly path?: string;
  /** A name, or a strategy of your own. */
  readonly strategy: StrategyName | Strategy;
  /**
   * 32 hexadecimal digits that name the migration on both sides; random by default. With one of your own a start that is
   * repeated is recognised: the destination refuses it (ID_IN_USE) while the first is under way or remembered there.
   */
  readonly migrationId?: string;
  /** What the connections are secured with. Without it an address must be of this host, or `insecure` be true. */
  readonly tls?: TlsOptions;
  /** True: the network is trusted, and nobody on it can read or change what goes over it; false by default. */
  readonly insecure?: boolean;
  /** Page channels, 1 … 64; by default half the cores, at least 2 where there are 2 cores. */
  readonly channels?: number;
  /**
   * The best that this kernel offers, by default. Where that is `mprotect`, a warning says so when it is used; a
   * guest with `kernelTouches` is refused it (UNSUPPORTED).
   */
  readonly tracker?: TrackerKind;
  /**
   * What makes pages smaller: `auto` by default, which follows the link and the cores that are free, and does nothing
   * between two processes of one host; or one that is kept to (docs/compression.md).
   */
  readonly compression?: Compression;
  /**
   * Bytes that may be kept of what was sent, so that a page which is sent again can be sent as what has changed; 0: none.
   * By default, with `auto` and `xbzrle`, up to half of what is free, and no more than half as much again as the guest has memory; otherwise none.
   * Where not all fits, pages that the guest has written while it moves come before those that it has not.
   */
  readonly cacheBytes?: number;
  /**
   * Of a core that a guest thread and a thread that encodes pages both want, the guest's share, 0.5 … 0.98; 0.9 by default. It
   * holds within one session and control group of the host.
   */
  readonly guestShare?: number;
  /** Rate limit over all page channels in bytes per second; 0 (default): none. */
  readonly bandwidthBytesPerSecond?: number;
  /** Pre-copy's longest acceptable downtime, 0 … 24 h; 50 ms by default. */
  readonly downtimeBudgetMs?: number;
  /** Pre-copy's most rounds, 1 … 1,000,000; 30 by default. */
  readonly maxRounds?: number;
  /** What pre-copy does when it will not converge; stop-and-copy by default. */
  readonly otherwise?: Alternative;
  /** How long to watch the guest before and after, for its throughput, up to 1 h; 0 by default: not at all. */
  readonly observeMs?: number;
  /**
   * Compare pages after the migration, where the guest can: all of them, or so many, spread over its memory; false by
   * default.
   */
  readonly verify?: boolean | { readonly pages: number };
  /** For connecting, 1 ms … 1 h; 5 s by default. */
  readonly connectMs?: number;
  /** How long the other side may be silent or take nothing, 1 s … 24 h; 30 s by default. */
  readonly stallMs?: number;
  /**
   * For each thing that a paused guest waits for: that it is paused, that its state is saved, that bytes of the final
   * round go on leaving, that the destination then says *ready*, and *running*. 100 ms … 1 h; 3 s by default. Up to the
   * commit point the guest is resumed here when one of them takes longer.
   */
  readonly switchoverMs?: number;
  /** A file into which all that goes over the migration's channels is captured (docs/capture-format.md); none by default. */
  readonly tee?: string;
  /** Bytes that the capture leaves free on its disk: it ends there; 1 GiB by default. */
  readonly teeReserveBytes?: number;
}

export interface ResolvedOptions
  extends Required<
    Omit<
      SourceOptions,
      'host' | 'port' | 'path' | 'tls' | 'insecure' | 'strategy' | 'tracker' | 'migrationId' | 'tee'
    >
  > {
  readonly address: Address;
  /** Null: without TLS. */
  readonly credentials: Credentials | null;
  readonly serverName?: string;
  readonly migrationId: Uint8Array;
  readonly strategy: Strategy;
  readonly tracker: TrackerChoice;
  readonly tee: string | null;
}

/** 0 where nobody knows. */
function freeBytes(): number {
  const reading = readMemory();
  return reading.kind === 'known' ? reading.memory.bytes : 0;
}

type MigratedGuest = Pick<Guest, 'memory' | 'kernelTouches'>;

function trackerFor(
  wanted: TrackerKind | undefined,
  { memory, kernelTouches }: MigratedGuest,
  strategy: Strategy,
): TrackerChoice {
  const choice = chooseTracker({ wanted, offered: probe(memory.backing), kernelTouches });
  // Without rounds the guest can do without.
  if (choice.kind === 'refuse' && ask(strategy, []).decision === 'next-round') {
    throw new PageferryError('UNSUPPORTED', choice.reason);
  }
  return choice;
}

/**
 * Fills in the defaults. Throws USAGE for an option that is none or makes no sense, and names it; UNSUPPORTED when no
 * dirty tracker will do for this guest.
 */
export function resolveOptions(given: SourceOptions, guest: MigratedGuest): ResolvedOptions {
  checkOptions('the source', SOURCE_SCHEMA, given);
  const address = addressOf('the source', given, {});
  requireSecurity('the source', address, given);
  const compression = given.compression ?? SOURCE_FIELDS.compression.default;
  const options = {
    address,
    credentials: openCredentials('the source', given.tls),
    ...serverNameOf(given.tls),
    migrationId:
      given.migrationId === undefined ? randomMigrationId() : migrationIdOf(given.migrationId),
    channels: given.channels ?? defaultChannels(availableParallelism()),
    compression,
    guestShare: given.guestShare ?? SOURCE_FIELDS.guestShare.default,
    cacheBytes: given.cacheBytes ?? defaultCacheBytes(compression, guest.memory.bytes, freeBytes()),
    bandwidthBytesPerSecond:
      given.bandwidthBytesPerSecond ?? SOURCE_FIELDS.bandwidthBytesPerSecond.default,
    downtimeBudgetMs: given.downtimeBudgetMs ?? SOURCE_FIELDS.downtimeBudgetMs.default,
    maxRounds: given.maxRounds ?? SOURCE_FIELDS.maxRounds.default,
    otherwise: given.otherwise ?? SOURCE_FIELDS.otherwise.default,
    observeMs: given.observeMs ?? SOURCE_FIELDS.observeMs.default,
    verify: given.verify ?? SOURCE_FIELDS.verify.default,
    connectMs: given.connectMs ?? SOURCE_FIELDS.connectMs.default,
    stallMs: given.stallMs ?? SOURCE_FIELDS.stallMs.default,
    switchoverMs: given.switchoverMs ?? SOURCE_FIELDS.switchoverMs.default,
    tee: given.tee ?? null,
    teeReserveBytes: given.teeReserveBytes ?? SOURCE_FIELDS.teeReserveBytes.default,
  };
  const limits = { ...options, memoryPages: guest.memory.pageCount };
  const strategy = strategyOf(given.strategy, limits);
  return { ...options, strategy, tracker: trackerFor(given.tracker, guest, strategy) };
}

function strategyOf(
  strategy: SourceOptions['strategy'],
  limits: Parameters<typeof preCopy>[0],
): Strategy {
  switch (strategy) {
    case 'stop-and-copy':
      return stopAndCopy();
    case 'pre-copy':
      return preCopy(limits);
    case 'post-copy':
      return postCopy();
    case 'hybrid':
      return hybrid();
    default:
      return ownStrategy(strategy);
  }
}
