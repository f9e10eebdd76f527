/** Sends what is left, or says what will be missing, and the guest's state; the guest is paused meanwhile. */
import { asPageferryError, PageferryError } from '../../errors.js';
import { BYTES, guestCall } from '../../guest/guest-call.js';
import type { Decision } from '../../policy/convergence.js';
import { formatBytes } from '../../units.js';
import type { SourceMigration } from '../migration.js';
import type { Observer } from '../observer.js';
import { type Patience, socketsTakeBytes, within } from '../patience.js';
import type { Paused } from './pause-guest.js';

/** Moments are those of process.hrtime.bigint(). */
export interface Final {
  /** The guest had saved its state. */
  readonly stateNs: bigint;
  readonly stateBytes: number;
  /** The final round was in the channels. */
  readonly sentNs: bigint;
  /** Pages may be missing on the destination when the guest resumes there. */
  readonly postCopy: boolean;
}

/**
 * On return the destination is about to have all pages, or knows the residual set; the guest is paused.
 *
 * Nobody runs the guest meanwhile. So the destination is told of the switchover while the final round is still
 * being sent, and waits for its sync itself.
 */
export async function finalRound(
  m: SourceMigration,
  decision: Decision,
  paused: Paused,
  observer: Observer,
): Promise<Final> {
  const { sender, pending } = m;
  if (sender === undefined || pending === undefined) throw new Error('no channels yet');
  const postCopy = decision === 'post-copy';
  m.effort?.enter('final');
  const sync = sender.lastSync + 1;
  const sending = sender.finalRound(pending, m.tracker ?? null, postCopy);
  // Also while the guest saves its state, for however long.
  sending.catch((error) => m.fail(asPageferryError(error, 'the final round failed')));
  m.sending = sending;
  const state = await saveState(m);
  const stateNs = process.hrtime.bigint();
  m.send({
    type: 'switchover',
    sync,
    postCopy,
    state,
    pausedAtNs: paused.startedNs + m.clock.offsetNs,
    running: m.ranBefore,
  });
  // As far as is known by now: what the guest wrote since the last harvest is found on the way.
  observer.sending(pending.count(), m.recorder.rounds.length);
  const patience = { withinMs: m.options.switchoverMs, isUnderWay: socketsTakeBytes(sender) };
  await within(patience, sending, () => notTaken(m, patience));
  return { stateNs, stateBytes: state.byteLength, sentNs: process.hrtime.bigint(), postCopy };
}

async function saveState(m: SourceMigration): Promise<Uint8Array> {
  const state = await guestCall('save its state', () => m.guest.saveState(), {
    deadlineMs: m.options.switchoverMs,
    signal: m.signal,
    answer: BYTES,
  });
  if (state.byteLength <= m.maxStateBytes) return state;
  throw new PageferryError(
    'GUEST_FAILED',
    `the guest's state has ${formatBytes(state.byteLength)}, and the destination takes ${formatBytes(m.maxStateBytes)}. Keep what is large in the guest's memory, and say maxStateBytes, so that this is found before the pause`,
  );
}

function notTaken(m: SourceMigration, { withinMs }: Patience): PageferryError {
  const { peer } = m.control;
  return new PageferryError(
    'PEER_SILENT',
    `${peer} has taken nothing of the final round for ${withinMs / 1000} s`,
    { peer },
  );
}
