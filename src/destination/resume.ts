/** The one call that makes a guest run here, and what is known of it afterwards. */
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { askGuest, GuestOverdue, guestCall } from '../guest/guest-call.js';

/** The guest has rejected its resume: it does not run here. Nothing else may be told to the source as that. */
export class ResumeRefused extends PageferryError {}

/** On process.hrtime.bigint()'s clock. */
export interface Resumed {
  readonly startedNs: bigint;
  readonly resumedAtNs: bigint;
}

/** On return the guest runs. Throws ResumeRefused when it does not, and GuestOverdue when nobody knows. */
export async function resumeGuest(
  guest: Guest,
  pausedAtNs: bigint,
  deadlineMs: number,
): Promise<Resumed> {
  const startedNs = process.hrtime.bigint();
  try {
    await guestCall('resume', () => guest.resume(), { deadlineMs });
  } catch (error) {
    if (!(error instanceof PageferryError) || error instanceof GuestOverdue) throw error;
    throw new ResumeRefused(error.code, error.message, { cause: error });
  }
  // It runs: from here on no failure of its probe may end the migration.
  const resumedAtNs = resumedSince(startedNs, guest);
  const awayNs = Math.max(0, Number(resumedAtNs - pausedAtNs));
  askGuest('take note of its time away', undefined, () => guest.probe?.setTimeAway(awayNs));
  return { startedNs, resumedAtNs };
}

/** A guest that stays paused is taken over now. */
export function leftPaused(): Resumed {
  const startedNs = process.hrtime.bigint();
  return { startedNs, resumedAtNs: startedNs };
}

/** When the guest was let run. It knows best: its threads may take the core before this one reads the clock. */
function resumedSince(startedNs: bigint, { probe }: Guest): bigint {
  const nowNs = process.hrtime.bigint();
  const saidNs = askGuest('say when it was resumed', nowNs, () => probe?.resumedAtNs?.() ?? nowNs);
  return saidNs >= startedNs && saidNs <= nowNs ? saidNs : nowNs;
}
