/** The compressions that a user may name: what each may put on the wire, and the plan of those that keep to one. Pure. */
import type { ContentName } from '../../native/contents.js';
import type { Compression } from '../../vocabulary.js';
import { type EffortPlan, LZ4, MOST_QUEUE_BYTES, RAW, WKDM, zstd } from './plan.js';

/** Contents beside raw and zero. */
export function contentsOf(compression: Compression): readonly ContentName[] {
  switch (compression) {
    case 'raw':
      return [];
    case 'auto':
      return ['fill', 'wkdm64', 'lz4', 'zstd', 'zstd-delta', 'xbzrle'];
    case 'lz4':
      return ['fill', 'lz4', 'lz4-delta'];
    case 'wkdm':
      return ['fill', 'wkdm64'];
    case 'mecom':
      return ['fill', 'sparse', 'wkdm32', 'lz4'];
    case 'xbzrle':
      return ['fill', 'xbzrle'];
    default:
      return ['fill', 'zstd', 'zstd-delta'];
  }
}

/** Whether pages that were sent before are worth keeping with it, unless the user says how many. */
function keepsVersions(compression: Compression): boolean {
  return compression === 'auto' || compression === 'xbzrle';
}

/** Of a guest whose pages all were sent as deltas and whose blocks each have a page that was not. */
const MOST_SHARE = 1.5;

/**
 * Bytes that may be kept of what was sent, of a guest with so much memory where so much is free. A version takes a third of
 * its page as a block of zstd, and all of it once it was sent as a delta; what is in stays in, and the rest is not kept.
 */
export function defaultCacheBytes(
  compression: Compression,
  memoryBytes: number,
  freeBytes: number,
): number {
  if (!keepsVersions(compression)) return 0;
  return Math.floor(Math.min(memoryBytes * MOST_SHARE, freeBytes / 2));
}

/** The plan of a compression other than `auto`, with so many encoders. */
export function fixedPlan(
  compression: Exclude<Compression, 'auto'>,
  encoders: number,
  keeps: boolean,
): EffortPlan {
  const rest = { encoders, queueBytes: MOST_QUEUE_BYTES };
  const one = (rung: EffortPlan['lower'], deltas: EffortPlan['deltas'] = 'none'): EffortPlan => ({
    lower: rung,
    upper: rung,
    deltas: keeps ? deltas : 'none',
    ...rest,
  });
  switch (compression) {
    case 'raw':
      return one(RAW);
    case 'lz4':
      return one(LZ4, 'lz4');
    case 'wkdm':
      return one(WKDM);
    case 'mecom':
      return one({ method: 'mecom' });
    case 'xbzrle':
      return one(RAW, 'xbzrle');
    default:
      return one(zstd(zstdLevel(compression)), 'zstd');
  }
}

/** Of `zstd` or `zstd:LEVEL`. */
function zstdLevel(compression: string): number {
  const level = compression.split(':')[1];
  return level === undefined ? 1 : Number(level);
}
