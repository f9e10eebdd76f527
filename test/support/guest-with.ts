/** Guests that are memory and what a test gives them: calls that fail, hang or are counted. */
import type { DestinationOptions } from '../../src/destination/options.js';
import type { Guest, GuestFactory, GuestProbe } from '../../src/guest/guest.js';
import { Receiving } from './destinations.js';

export type Call = 'pause' | 'resume' | 'saveState' | 'loadState' | 'discard' | 'verify';

export interface Receiver {
  readonly createGuest: GuestFactory;
  /** Every call into every guest, in order. */
  readonly calls: Call[];
}

/** Builds guests that do nothing, with `own` in place of some of their calls. */
export function guestsWith(own: Partial<Guest> = {}): Receiver {
  const calls: Call[] = [];
  const createGuest: GuestFactory = async (memory) => {
    const counted =
      <A extends unknown[], R>(name: Call, call: (...args: A) => R) =>
      (...args: A): R => {
        calls.push(name);
        return call(...args);
      };
    const nothing = async () => {};
    const { probe } = own;
    return {
      memory,
      pause: counted('pause', own.pause ?? nothing),
      resume: counted('resume', own.resume ?? nothing),
      saveState: counted('saveState', own.saveState ?? (async () => Uint8Array.of(1))),
      loadState: counted('loadState', own.loadState ?? nothing),
      discard: counted('discard', own.discard ?? (() => {})),
      ...(probe === undefined
        ? {}
        : { probe: { ...probe, verify: counted('verify', probe.verify) } }),
    };
  };
  return { createGuest, calls };
}

/** A call that never settles. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** A probe of a guest that does nothing, and holds what it must. */
export const STILL_PROBE: GuestProbe = {
  workload: 'none',
  startGapWatch() {},
  setTimeAway() {},
  observe: () => ({ operations: 0, longestGapMs: 0 }),
  verify: async () => ({
    pagesCompared: 4,
    pagesDifferent: 0,
    firstDifferentPage: null,
    failedReads: 0,
  }),
};

/** A destination of such guests, until the end of the test, and the calls that it makes. */
export async function receivingWith(
  own: Partial<Guest> = {},
  options: Partial<DestinationOptions> = {},
) {
  const { createGuest, calls } = guestsWith(own);
  return { receiving: await Receiving.start({ createGuest, ...options }), calls };
}
