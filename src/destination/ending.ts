/** How a migration ends on this side, and what is let go of then. */
import { PageferryError } from '../errors.js';
import { discardGuest, observeGuest } from '../guest/guest-call.js';
import type { FaultHandler } from '../native/receiving.js';
import type { DestinationMessage } from '../protocol/messages.js';
import { pagesHere } from './awaited-pages.js';
import type { DestinationEnd, DestinationState, Hold } from './state.js';

export type Faults = ReturnType<FaultHandler['stats']>;

/** Of a guest all of whose pages were there before it ran. */
export const NO_FAULTS: Faults = {
  demandFaults: 0,
  demandFaultsOverNetwork: 0,
  duplicatePages: 0,
  faultLatencyUs: { p50: 0, p99: 0, p999: 0, max: 0 },
};

/** Every page is here. */
export function completeMessage(
  { guest, receiver }: Hold,
  faults: Faults,
): Extract<DestinationMessage, { type: 'complete' }> {
  const received = receiver.progress();
  return {
    type: 'complete',
    ...faults,
    pagesReceived: received.pages,
    duplicatePages: received.duplicatePages + faults.duplicatePages,
    completedAtNs: process.hrtime.bigint(),
    guest: observeGuest(guest),
  };
}

/** Lets go of a guest that nobody needs here: it never ran here, or was lost. */
export function dropHold(hold: Hold): void {
  const { memory, guest, arriving, receiver } = hold;
  pagesHere(hold);
  receiver.close();
  arriving.cancelPopulating();
  discardGuest(guest);
  for (const held of [receiver, arriving, memory]) held.release();
}

export function endHandler(handler: FaultHandler | undefined): void {
  handler?.close();
  handler?.release();
}

/** Every page is here and the migration is over: only the guest stays. */
export function handOver(hold: Hold): DestinationEnd {
  hold.receiver.close();
  hold.receiver.release();
  hold.arriving.release();
  return { kind: 'arrived', guest: hold.guest };
}

/**
 * What becomes of a migration that fails in this state (docs/protocol.md, section 4). `refused`: what failed is a guest
 * that would not resume.
 */
export function endOfFailed(
  state: DestinationState,
  error: PageferryError,
  refused: boolean,
  peer: string,
): DestinationEnd {
  switch (state.kind) {
    case 'opening':
    case 'ended':
      return { kind: 'dropped', error };
    case 'copying':
      state.fault?.close();
      return drop(state.hold, error);
    case 'ready':
      endHandler(state.switchover.handler);
      return drop(state.hold, error);
    case 'resuming':
      endHandler(state.handler);
      return refused ? drop(state.hold, error) : lose(state.hold, error);
    case 'running': {
      endHandler(state.handler);
      const reason = `lost the source before every page had arrived (${error.message}). The guest cannot go on`;
      return lose(state.hold, new PageferryError('POSTCOPY_LOST', reason, { peer, cause: error }));
    }
    case 'complete':
      return handOver(state.hold);
    default:
      throw new Error(`no such state: ${JSON.stringify(state satisfies never)}`);
  }
}

function drop(hold: Hold, error: PageferryError): DestinationEnd {
  dropHold(hold);
  return { kind: 'dropped', error };
}

/** The registration stays: guest threads wait for the missing pages, they never see zeros. */
function lose(hold: Hold, error: PageferryError): DestinationEnd {
  hold.receiver.close();
  return { kind: 'lost', hold, error };
}
