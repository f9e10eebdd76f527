/** What a migration that did not complete comes to. Pure. */
import type { ErrorCode } from '../errors.js';
import type { GuestLocation } from '../metrics/report.js';
import type { Custody } from './migration.js';

export interface Ending {
  readonly custody: Custody;
  /** Why it did not complete. */
  readonly code: ErrorCode;
  readonly message: string;
  /** Why the guest could not be resumed here, if it could not. */
  readonly resumeFailure: string | undefined;
  /** Everything was sent; only the destination's word is missing. */
  readonly allSent: boolean;
  /** The destination itself has said that it gave up. */
  readonly peerGaveUp: boolean;
}

export interface Verdict {
  readonly code: ErrorCode;
  readonly location: GuestLocation;
  readonly message: string;
}

export function verdictOn(ending: Ending): Verdict {
  const { custody, code, message, resumeFailure } = ending;
  switch (custody) {
    case 'running-here':
    case 'paused-here':
    case 'taken-back':
      return resumeFailure === undefined
        ? { code, location: 'source', message }
        : {
            code: 'GUEST_FAILED',
            location: 'source',
            message: `${resumeFailure}, after the migration had failed (${message}). It is still here, and paused`,
          };
    case 'given-up':
      return {
        code: 'SWITCHOVER_UNCONFIRMED',
        location: 'unknown',
        message: `lost contact right after the guest was given up (${message}). Look at the destination: if it runs the guest, all is well; it is paused here and must not be resumed before you know`,
      };
    case 'running-there':
      return ending.allSent && !ending.peerGaveUp
        ? {
            code: 'DESTINATION_LOST',
            location: 'unknown',
            message: `lost contact after every page was sent (${message}). Look at the destination: the guest runs there if its process lives`,
          }
        : {
            code: 'POSTCOPY_LOST',
            location: 'lost',
            message: `lost contact before every page had arrived (${message}). The guest ran on the destination and cannot go on without the missing pages`,
          };
    case 'arrived':
      return { code, location: 'destination', message };
    default:
      throw new Error(`no such custody: ${String(custody satisfies never)}`);
  }
}
