/** How long each thing may take, on either side. In one place, because they depend on one another. */

/** One call into a guest: to build it, pause it, save its state, load it, resume it. */
export const GUEST_CALL_MS = 30_000;
