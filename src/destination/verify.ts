/** The source's last question: is the guest that arrived what it must be? */
import type { Guest } from '../guest/guest.js';
import { guestCall, observeGuest } from '../guest/guest-call.js';
import { verifyMs } from '../policy/deadlines.js';
import type { DestinationMessage, SourceMessage } from '../protocol/messages.js';
import { pauseFor } from './patience.js';

export type Verify = Extract<SourceMessage, { type: 'verify' }>;
type Verified = Extract<DestinationMessage, { type: 'verified' }>;

export interface VerifyContext {
  /** False for a guest that arrived paused, and stays so. */
  readonly runs: boolean;
  readonly guestCallMs: number;
  /** The source has gone: nobody wants the answer any more. */
  readonly signal: AbortSignal;
  /** The destination is being closed: it looks no longer than it has. */
  readonly closing: AbortSignal;
}

/**
 * Lets the guest run for `observeMs`, then compares `pages` of its pages; with 0 it is not paused. On return, and on
 * failure, it runs as before.
 */
export async function verifyGuest(
  guest: Guest,
  { observeMs, pages }: Verify,
  context: VerifyContext,
): Promise<Verified> {
  const { probe } = guest;
  if (probe === undefined) {
    await pauseFor(observeMs, [context.signal, context.closing]);
    return { type: 'verified', verification: null, guest: null };
  }
  const before = observeGuest(guest)?.operations ?? 0;
  const started = performance.now();
  await pauseFor(observeMs, [context.signal, context.closing]);
  const operations = (observeGuest(guest)?.operations ?? 0) - before;
  const seconds = (performance.now() - started) / 1000;
  const compare = () =>
    guestCall('be verified', () => probe.verify(pages), {
      deadlineMs: verifyMs(guest.memory.bytes),
      signal: context.signal,
    });
  return {
    type: 'verified',
    verification: pages === 0 ? null : await whilePaused(guest, context, compare),
    guest: observeMs === 0 || seconds === 0 ? null : { opsPerSecond: operations / seconds },
  };
}

async function whilePaused<T>(
  guest: Guest,
  { runs, guestCallMs, signal }: VerifyContext,
  run: () => Promise<T>,
): Promise<T> {
  if (!runs) return await run();
  const deadlineMs = guestCallMs;
  try {
    await guestCall('pause', () => guest.pause(), { deadlineMs, signal });
    return await run();
  } finally {
    // Whatever became of the comparison, and of the source: the guest is ours, and its owner wants it to run.
    await guestCall('resume', () => guest.resume(), { deadlineMs });
  }
}
