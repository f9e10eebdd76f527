/**
 * How the threads that copy pages are run: one on each side for every page channel. Pure.
 *
 * Two processes of one host are *crowded* when these threads outnumber its cores. There is always another thread to
 * run then, and what matters is that a page is still in a cache when it is copied for the second time.
 */

/** What both sides know of a migration once it is open. */
export interface Copying {
  readonly sameHost: boolean;
  readonly channels: number;
  /** The source's rate limit; 0 for none. */
  readonly bandwidthBytesPerSecond: number;
}

const SMALL_BYTES = 256 << 10;

function isCrowded({ sameHost, channels }: Copying, cores: number): boolean {
  return sameHost && 2 * channels > cores;
}

/**
 * Bytes of a page channel's send buffer; 0 leaves it to the kernel.
 *
 * Under a rate limit a large one only puts seconds between the limit and the wire. Where it is crowded it only lets
 * pages go cold between the two copies. Where each thread has a core, waiting costs more than cold pages do
 * (docs/decisions/0020).
 */
export function sendBufferBytes(copying: Copying, cores: number): number {
  const isLimited = copying.bandwidthBytesPerSecond > 0;
  return isLimited || isCrowded(copying, cores) ? SMALL_BYTES : 0;
}

/**
 * Whether channels are paired: both threads of a page channel stay on one core, the channels spread over all of them.
 *
 * Only where it is crowded, and without a rate limit: below one the threads sleep most of the time, and the core they
 * wake on had better be an idle one than that of a guest's thread (docs/decisions/0023).
 */
export function pairsChannels(copying: Copying, cores: number): boolean {
  return copying.bandwidthBytesPerSecond === 0 && isCrowded(copying, cores);
}
