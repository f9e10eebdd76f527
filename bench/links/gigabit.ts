// A shaped link of 1 Gbit/s, and what bytes of a TCP connection come to on it.
import type { NetnsLink } from './wanted-link.js';

export const GIGABIT: NetnsLink & { readonly rateBytesPerSecond: number } = {
  kind: 'netns',
  rateBytesPerSecond: 125_000_000,
};

/** What one frame carries, and what it takes of the link, as its shaping counts: Ethernet, IPv4 and TCP with timestamps. */
const FRAME_BYTES = 1514;
const PAYLOAD_BYTES = FRAME_BYTES - 14 - 20 - 32;

/** So long the link is busy with so many bytes of TCP connections, each sent once, in full frames. */
export function secondsOnTheWire(bytes: number): number {
  return (bytes * FRAME_BYTES) / PAYLOAD_BYTES / GIGABIT.rateBytesPerSecond;
}
