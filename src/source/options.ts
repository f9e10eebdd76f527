/** What a migration can be told, and its defaults. */
import { availableParallelism } from 'node:os';
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import type { TrackerKind } from '../native/binding.js';
import { probe } from '../native/machine.js';
import type { ConvergenceLimits } from '../policy/convergence.js';
import { defaultChannels, MAX_CHANNELS } from '../policy/copying.js';
import { chooseTracker } from '../policy/tracker.js';
import { hybrid, postCopy, preCopy, type Strategy, stopAndCopy } from '../strategy/strategy.js';
import type { StrategyName } from '../vocabulary.js';

export const CODEC_NAMES = ['raw', 'lz4'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

export interface SourceOptions {
  readonly host: string;
  readonly port: number;
  /** A name, or a strategy of your own. */
  readonly strategy: StrategyName | Strategy;
  /** Page channels, 1 … 64; by default half the cores, at least 2 where there are 2 cores. */
  readonly channels?: number;
  /**
   * The best that this kernel offers, by default. Where that is `mprotect`, a warning says so when it is used; a
   * guest with `kernelWrites` is refused it (UNSUPPORTED).
   */
  readonly tracker?: TrackerKind;
  /** What pages are encoded with when that makes them smaller; `raw` by default. */
  readonly codec?: CodecName;
  /** Rate limit over all page channels in bytes per second; 0 (default): none. */
  readonly bandwidthBytesPerSecond?: number;
  /** Pre-copy's longest acceptable downtime; 50 ms by default. */
  readonly downtimeBudgetMs?: number;
  /** Pre-copy's most rounds; 30 by default. */
  readonly maxRounds?: number;
  /** What pre-copy does when it will not converge; stop-and-copy by default. */
  readonly otherwise?: ConvergenceLimits['otherwise'];
  /** How long to watch the guest before and after, for its throughput; 0 by default: not at all. */
  readonly observeMs?: number;
  /** Compare every page after the migration, where the guest can; false by default. */
  readonly verify?: boolean;
  /** For connecting; 5 s by default. */
  readonly connectMs?: number;
  /** How long the other side may be silent or take nothing; 30 s by default. */
  readonly stallMs?: number;
}

export interface ResolvedOptions extends Required<Omit<SourceOptions, 'strategy' | 'tracker'>> {
  readonly strategy: Strategy;
  readonly tracker: TrackerKind;
  /** To be told when the tracker is used. */
  readonly trackerWarning: string | undefined;
}

type MigratedGuest = Pick<Guest, 'memory' | 'kernelWrites'>;

function trackerFor(
  wanted: TrackerKind | undefined,
  { memory, kernelWrites = false }: MigratedGuest,
  strategy: Strategy,
): Pick<ResolvedOptions, 'tracker' | 'trackerWarning'> {
  const choice = chooseTracker({ wanted, offered: probe(memory.backing), kernelWrites });
  if (choice.kind === 'use') return { tracker: choice.tracker, trackerWarning: choice.warning };
  // Without rounds nothing is tracked.
  if (strategy.next([]) === 'stop-and-copy') {
    return { tracker: 'mprotect', trackerWarning: undefined };
  }
  throw new PageferryError('UNSUPPORTED', choice.reason);
}

function wholeWithin(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new PageferryError(
    'USAGE',
    `${name} must be a whole number from ${least} to ${most}, not ${value}`,
  );
}

function strategyOf(options: SourceOptions, memoryPages: number): Strategy {
  if (typeof options.strategy === 'object') return options.strategy;
  switch (options.strategy) {
    case 'stop-and-copy':
      return stopAndCopy();
    case 'pre-copy':
      return preCopy({
        downtimeBudgetMs: options.downtimeBudgetMs ?? 50,
        maxRounds: wholeWithin('maxRounds', options.maxRounds ?? 30, 1, 1_000_000),
        memoryPages,
        otherwise: options.otherwise ?? 'stop-and-copy',
      });
    case 'post-copy':
      return postCopy();
    case 'hybrid':
      return hybrid();
    default:
      throw new PageferryError('USAGE', `there is no strategy called ${String(options.strategy)}`);
  }
}

/**
 * Fills in the defaults. Throws USAGE for a value that makes no sense, UNSUPPORTED when no dirty tracker will do for
 * this guest.
 */
export function resolveOptions(options: SourceOptions, guest: MigratedGuest): ResolvedOptions {
  const strategy = strategyOf(options, guest.memory.pageCount);
  return {
    host: options.host,
    port: wholeWithin('port', options.port, 1, 65_535),
    strategy,
    channels: wholeWithin(
      'channels',
      options.channels ?? defaultChannels(availableParallelism()),
      1,
      MAX_CHANNELS,
    ),
    ...trackerFor(options.tracker, guest, strategy),
    codec: options.codec ?? 'raw',
    bandwidthBytesPerSecond: wholeWithin(
      'bandwidthBytesPerSecond',
      options.bandwidthBytesPerSecond ?? 0,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    downtimeBudgetMs: options.downtimeBudgetMs ?? 50,
    maxRounds: options.maxRounds ?? 30,
    otherwise: options.otherwise ?? 'stop-and-copy',
    observeMs: options.observeMs ?? 0,
    verify: options.verify ?? false,
    connectMs: options.connectMs ?? 5_000,
    stallMs: options.stallMs ?? 30_000,
  };
}
