/** Whether a page that somebody waits for is encoded. Pure. */
import type { Compression } from '../../vocabulary.js';
import { type LinkRate, rateOf, type Surroundings } from './auto.js';
import { contentsOf } from './compression.js';

/**
 * Bytes a second of a link on which a page of LZ4 is there no sooner than the page itself, because encoding and decoding it
 * take the time that the link saves: 2 Gbit/s (docs/compression.md, "Demand pages").
 */
const FASTEST_RATE = 250_000_000;

/** A demand page is one page alone, which LZ4 suits; a compression that has no LZ4 leaves it as it is. */
export function compressesDemandPages(
  compression: Compression,
  link: LinkRate,
  { limit, local }: Pick<Surroundings, 'limit' | 'local'>,
): boolean {
  if (compression !== 'auto') return contentsOf(compression).includes('lz4');
  if (limit === 0 && (local || !link.measured)) return false;
  return rateOf(link, limit) < FASTEST_RATE;
}
