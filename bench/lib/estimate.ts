// What a migration will take, before one was made: only to be said in advance.

/** Two processes start and rehearse, the guest is watched before and after, the destination populates memory. */
const AROUND_SECONDS = 2;
/** Bytes per second, of filling a guest, and of a link without a limit. */
const MEMORY_RATE = 2e9;
/** How often pre-copy sends a guest that it cannot keep up with, until it gives up. */
const MOST_COPIES = 4;

/** How often the guest's memory crosses the link, roughly. */
function copies(strategy: string, dirtyRatio: number): number {
  if (strategy === 'stop-and-copy' || strategy === 'post-copy') return 1;
  if (strategy === 'hybrid') return 1 + Math.min(1, dirtyRatio);
  return dirtyRatio < 1 ? Math.min(MOST_COPIES, 1 / (1 - dirtyRatio)) : MOST_COPIES;
}

/** `linkRate` in bytes per second, null where nothing limits it. A guest at its own speed counts as a fast one. */
export function estimateSeconds(
  memoryBytes: number,
  strategy: string,
  linkRate: number | null,
  dirtyRatio = 1,
): number {
  const rate = Math.min(linkRate ?? MEMORY_RATE, MEMORY_RATE);
  const moving = (memoryBytes * copies(strategy, dirtyRatio)) / rate;
  return AROUND_SECONDS + memoryBytes / MEMORY_RATE + moving;
}
