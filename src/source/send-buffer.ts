/** How much the kernel may keep of what a page channel has been given to send. */
import type { PeerDistance } from './migration.js';

const SMALL_BYTES = 256 << 10;

/**
 * Bytes of a page channel's send buffer; 0 leaves it to the kernel.
 *
 * Under a rate limit a large one only puts seconds between the limit and the wire. Between two processes that
 * share their cores, with more threads that copy than cores, it only lets pages go cold between the two copies: there is
 * always another thread to run while one waits for room. Where each thread has a core, waiting costs more
 * than cold pages do (docs/decisions/0020).
 */
export function sendBufferBytes(
  peer: PeerDistance,
  { channels, bandwidthBytesPerSecond }: { channels: number; bandwidthBytesPerSecond: number },
  cores: number,
): number {
  const isCrowded = peer === 'this-host' && 2 * channels > cores;
  return isCrowded || bandwidthBytesPerSecond > 0 ? SMALL_BYTES : 0;
}
