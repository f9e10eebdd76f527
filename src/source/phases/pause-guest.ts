/** The switchover begins: pauses the guest. */
import { guestCall } from '../../guest/guest-call.js';
import type { SourceMigration } from '../migration.js';

/** Moments of process.hrtime.bigint(). */
export interface Paused {
  /** The guest was about to be paused: its downtime begins. */
  readonly startedNs: bigint;
  readonly pausedNs: bigint;
}

/**
 * On return the guest is paused.
 *
 * After a long round the page table entries that the final round looks at have left the processor's caches. One look
 * brings them back before the guest is paused rather than after (docs/decisions/0014).
 */
export async function pauseGuest(m: SourceMigration): Promise<Paused> {
  if (m.pending !== undefined) await m.tracker?.peek(m.pending);
  m.throwIfCalledOff();
  m.watch.end();
  m.ranBefore = m.guest.isRunning ?? true;
  if (!m.ranBefore) m.recorder.guestWasPaused();
  // Set before the call: should it fail halfway, the guest must be resumed.
  m.custody = 'paused-here';
  let startedNs = process.hrtime.bigint();
  if (m.ranBefore) {
    const deadlineMs = m.options.switchoverMs;
    // The guest runs until its pause() is called: the downtime begins there, not where its deadline is set.
    const pause = () => {
      startedNs = process.hrtime.bigint();
      return m.guest.pause();
    };
    await guestCall('pause', pause, { deadlineMs, signal: m.signal });
  }
  return { startedNs, pausedNs: process.hrtime.bigint() };
}
