/** How much encoders give way to guests. Pure. */

/** A thread of nice *n* that wants a core beside one of nice 0 gets about 1 ÷ (1 + 1.25ⁿ) of it (Linux). */
const STEP = 1.25;
const MOST_NICE = 19;

/** The nice value, 0 … 19, with which an encoder leaves a guest thread this share of a core that both want. */
export function niceOf(guestShare: number): number {
  const nice = Math.ceil(Math.log(guestShare / (1 - guestShare)) / Math.log(STEP) - 1e-9);
  return Math.min(MOST_NICE, Math.max(0, nice));
}
