/** The source's last question: is the guest that arrived what it must be? */
import type { Guest } from '../guest/guest.js';
import { guestCall, observeGuest } from '../guest/guest-call.js';
import { verifyMs } from '../policy/deadlines.js';
import type { DestinationMessage } from '../protocol/messages.js';
import { pauseFor } from './patience.js';

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

/** Lets the guest run for `observeMs`, then compares its memory. On return, and on failure, it runs as before. */
export async function verifyGuest(
  guest: Guest,
  observeMs: number,
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
  return {
    type: 'verified',
    verification: await whilePaused(guest, context, () =>
      guestCall('be verified', () => probe.verify(), {
        deadlineMs: verifyMs(guest.memory.bytes),
        signal: context.signal,
      }),
    ),
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
