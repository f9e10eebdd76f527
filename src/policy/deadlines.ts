/** How long each thing may take, on either side, in milliseconds. In one place, because they depend on one another. */

/** One call into a guest: to build it, pause it, save its state, load it, resume it. */
export const GUEST_CALL_MS = 30_000;

/** From a control channel's first byte to its `open`. */
export const OPEN_WITHIN_MS = 10_000;

/** For `verify` and `bye` of a guest that has arrived, while its destination is being closed. */
export const GOODBYE_MS = 1000;

/** Slower than any memory that guests run on: more than this, and nobody works through it any more. */
export const WORKED_THROUGH_BYTES_PER_MS = 100_000;

/** To compare every page of a guest with what it must be. */
export function verifyMs(memoryBytes: number): number {
  return GUEST_CALL_MS + memoryBytes / WORKED_THROUGH_BYTES_PER_MS;
}

/** The source waits so long for `opened`: the destination may populate memory, and builds a guest. */
export function openedWithinMs(memoryBytes: number, stallMs: number): number {
  return GUEST_CALL_MS + memoryBytes / WORKED_THROUGH_BYTES_PER_MS + stallMs;
}

/** The source waits so long for `verified`. */
export function verifiedWithinMs(memoryBytes: number, observeMs: number, stallMs: number): number {
  return observeMs + verifyMs(memoryBytes) + stallMs;
}

/** A destination waits so long for `open`, alive or not: everybody can connect. */
export function openWithinMs(stallMs: number): number {
  return Math.min(OPEN_WITHIN_MS, stallMs);
}
