/** Guests whose pages are still on their way, should this process exit meanwhile. */
import type { Hold } from './state.js';

const waiting = new Set<Hold>();

/**
 * Node waits for its Workers when it exits, and a Worker that waits for a page does not end. So the guest is ended
 * first, then whoever waits goes on: it may see one zero page, and runs no further.
 */
function endGuests(): void {
  for (const { guest, memory } of waiting) {
    try {
      guest.discard?.();
    } catch {
      // Nobody is left to be told.
    }
    memory.release();
  }
}

/** From here on the guest waits for pages. */
export function pagesAwaited(hold: Hold): void {
  if (waiting.size === 0) process.on('exit', endGuests);
  waiting.add(hold);
}

/** It waits no more. */
export function pagesHere(hold: Hold): void {
  waiting.delete(hold);
  if (waiting.size === 0) process.off('exit', endGuests);
}
