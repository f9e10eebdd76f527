/** The rungs that plans are made of. Pure. */
import type { EffortPlan, Rung } from '../../native/effort.js';

export type { EffortPlan, Rung };

export const RAW: Rung = { method: 'raw' };
/** LZ4's 16-bit offsets reach as far as 64 KiB, and zstd's tables of level 1 stay in a core's cache. */
export const BLOCK_PAGES = 16;
/** From level 3 on, zstd finds more in longer blocks than they cost in latency. */
export const LONG_BLOCK_PAGES = 64;

export const LZ4: Rung = { method: 'blocks', encoding: 'lz4', level: 1, blockPages: BLOCK_PAGES };
export const WKDM: Rung = {
  method: 'blocks',
  encoding: 'wkdm64',
  level: 1,
  blockPages: BLOCK_PAGES,
};

export function zstd(level: number): Rung {
  const blockPages = level >= 3 ? LONG_BLOCK_PAGES : BLOCK_PAGES;
  return { method: 'blocks', encoding: 'zstd', level, blockPages };
}

/** As a user would name it: `raw`, `lz4`, `zstd:3`. */
export function rungName(rung: Rung): string {
  if (rung.method !== 'blocks') return rung.method;
  return rung.encoding === 'zstd' ? `zstd:${rung.level}` : rung.encoding;
}

/** The longest queue: beyond it pages only grow older while they wait. */
export const MOST_QUEUE_BYTES = 4 << 20;
export const LEAST_QUEUE_BYTES = 512 << 10;
