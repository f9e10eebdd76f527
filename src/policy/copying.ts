/**
 * How many page channels a migration has, and how much of a channel may wait in its socket. Pure.
 *
 * Two processes of one host are *crowded* when the threads that copy pages, one on each side for every page channel,
 * outnumber the host's cores.
 */

/** The most page channels that a migration may have. */
export const MAX_CHANNELS = 64;
/** So much fills any link between two hosts, and a channel that is crowded needs no more. */
const SMALL_BYTES = 256 << 10;

/** What both sides know of a migration once it is open. */
export interface Copying {
  readonly sameHost: boolean;
  readonly channels: number;
  /** The source's rate limit; 0 for none. */
  readonly bandwidthBytesPerSecond: number;
}

/** Half the cores, so that the guest keeps the others; at least two where there are two (docs/decisions/0019). */
export function defaultChannels(cores: number): number {
  return Math.min(MAX_CHANNELS, Math.max(Math.min(2, cores), Math.floor(cores / 2)));
}

/**
 * Bytes of a page channel's send buffer; 0 leaves it to the kernel.
 *
 * Under a rate limit a large buffer only puts seconds between the limit and the wire. Where it is crowded a large
 * buffer lets pages leave the processor's caches between the two copies. Where each thread has a core, waiting for
 * room costs more than that (docs/decisions/0020).
 */
export function sendBufferBytes(
  { sameHost, channels, bandwidthBytesPerSecond }: Copying,
  cores: number,
): number {
  const isCrowded = sameHost && 2 * channels > cores;
  return bandwidthBytesPerSecond > 0 || isCrowded ? SMALL_BYTES : 0;
}
