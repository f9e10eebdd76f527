/** Gives the guest up, once the destination has all that it needs to run it. */
import { msBetween } from '../../metrics/recorder.js';
import type { SourceMigration } from '../migration.js';
import { bytesMove } from '../patience.js';
import type { Final } from './final-round.js';
import type { Paused } from './pause-guest.js';

/** A state of the guest travels beside the pages, and while it does the destination cannot be ready. */
export const STATE_BYTES_PER_MS = 1024;

/** The commit point lies within: on return the guest runs on the destination. */
export async function commitSwitchover(
  m: SourceMigration,
  paused: Paused,
  final: Final,
): Promise<void> {
  const { sender, pending, residual } = m;
  if (sender === undefined || pending === undefined) throw new Error('no channels yet');
  if (final.postCopy) residual?.add(pending);
  // Bounded even while the peer is alive: nobody runs the guest meanwhile.
  const { switchoverMs } = m.options;
  await m.expect('ready', {
    withinMs: switchoverMs + Math.floor(final.stateBytes / STATE_BYTES_PER_MS),
    isUnderWay: bytesMove(sender),
  });
  const readyNs = process.hrtime.bigint();
  m.throwIfCalledOff();
  if (final.postCopy && m.faultChannelEnded !== undefined) throw m.faultChannelEnded;

  m.custody = 'given-up'; // The commit point.
  m.send({ type: 'resume' });
  // Nobody may run the guest here before the destination has said what became of it, so nothing is gained by giving up
  // before that has itself.
  const running = await m.expect('running', { withinMs: m.guestCallMs + switchoverMs });

  m.custody = 'running-there';
  if (!m.ranBefore) return; // It has not been away: it did not run before, and does not run now.
  const resumedNs = running.resumedAtNs - m.clock.offsetNs;
  m.recorder.switchedOver(msBetween(paused.startedNs, resumedNs), {
    pauseMs: msBetween(paused.startedNs, paused.pausedNs),
    stateMs: msBetween(paused.pausedNs, final.stateNs),
    finalRoundMs: msBetween(final.stateNs, final.sentNs),
    readyMs: msBetween(final.sentNs, readyNs),
    resumeMs: msBetween(readyNs, resumedNs),
  });
}
