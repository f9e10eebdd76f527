// What QEMU is told of a migration.
import type { QemuSide } from './qemu-side.js';
import type { QemuGuest } from './rom.js';
import type { TapedImage } from './tape.js';

/** QEMU limits itself to 128 MiB/s unless it is told otherwise. */
const NO_LIMIT_BYTES_PER_SECOND = 1e12;
/** As long as Pageferry may pause its guest unless it is told otherwise. */
const DOWNTIME_BUDGET_MS = 50;
/** As long as QEMU accepts. */
const NO_DOWNTIME_BUDGET_MS = 2_000_000;
const MULTIFD_CHANNELS = 2;
/**
 * What is shared is the tape. The source hears of the destination's end: without that its times leave out what lies in the
 * socket's buffer, which is a tenth of a second at 100 Mbit/s.
 */
const OF_TAPED_GUESTS = { 'x-ignore-shared': true, 'return-path': true };

/** The guest, and how QEMU migrates it. */
export interface WantedQemuMigration {
  readonly guest: QemuGuest;
  /** What the guest begins with and goes through, if it has a tape. */
  readonly image?: TapedImage | undefined;
  /** Hybrid is post-copy after one round. */
  readonly strategy: 'pre-copy' | 'post-copy' | 'hybrid';
  /** Pre-copy by several channels. */
  readonly multifd?: boolean;
  /** What multifd does to pages; nothing unless told. */
  readonly multifdCompression?: 'zstd' | undefined;
  /** Sends of pages that were sent before what differs, out of a cache of so many bytes. */
  readonly xbzrleCacheBytes?: number | undefined;
  /** Pauses the guest after 30 rounds of pre-copy, however long the rest will take. */
  readonly endsRounds?: boolean;
  /** Gives demand pages a channel of their own. */
  readonly preempt?: boolean;
  readonly bandwidthBytesPerSecond?: number | undefined;
  /** Touches the destination's memory before. */
  readonly populateDestination?: boolean;
  /** Lets the guest run for so long first. */
  readonly observeMs?: number | undefined;
}

/** What both sides are told alike. */
export async function configure(side: QemuSide, wanted: WantedQemuMigration): Promise<void> {
  const { strategy, multifd = false, preempt = false, multifdCompression, image } = wanted;
  const { xbzrleCacheBytes } = wanted;
  const capabilities = {
    events: true,
    multifd,
    xbzrle: xbzrleCacheBytes !== undefined,
    ...(image === undefined ? {} : OF_TAPED_GUESTS),
    'postcopy-ram': strategy !== 'pre-copy',
    'postcopy-preempt': preempt,
  };
  await side.execute('migrate-set-capabilities', {
    capabilities: Object.entries(capabilities).map(([capability, state]) => ({
      capability,
      state,
    })),
  });
  const limit = wanted.bandwidthBytesPerSecond;
  await side.execute('migrate-set-parameters', {
    'max-bandwidth': limit ?? NO_LIMIT_BYTES_PER_SECOND,
    // 0: none.
    'max-postcopy-bandwidth': limit ?? 0,
    'multifd-channels': MULTIFD_CHANNELS,
    'downtime-limit': DOWNTIME_BUDGET_MS,
    ...(multifdCompression === undefined ? {} : { 'multifd-compression': multifdCompression }),
    ...(xbzrleCacheBytes === undefined ? {} : { 'xbzrle-cache-size': xbzrleCacheBytes }),
  });
}

/** The guest may be paused for as long as the rest takes. */
export async function liftDowntimeBudget(source: QemuSide): Promise<void> {
  await source.execute('migrate-set-parameters', { 'downtime-limit': NO_DOWNTIME_BUDGET_MS });
}
