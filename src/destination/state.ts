/**
 * What the destination of one migration is doing. Each state carries exactly what is valid then; agent.ts
 * steps from one to the next.
 */
import type { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import type { Connection } from '../native/connections.js';
import type { ContentName } from '../native/contents.js';
import type { GuestMemory } from '../native/memory.js';
import type { ArrivingMemory, FaultHandler, PageReceiver } from '../native/receiving.js';

/** A guest that is being filled: what exists from `open` on. */
export interface Hold {
  readonly memory: GuestMemory;
  readonly guest: Guest;
  readonly arriving: ArrivingMemory;
  readonly receiver: PageReceiver;
  /** What its pages may be sent as. */
  readonly contents: readonly ContentName[];
}

/** Every page is here or known to be missing, and the guest has its state. */
export interface Switchover {
  readonly pausedAtNs: bigint;
  readonly loadStateMs: number;
  /** False for a guest that its owner had paused: nobody resumes it here. */
  readonly runs: boolean;
  /** Post-copy only. */
  readonly handler: FaultHandler | undefined;
}

export type DestinationState =
  /** Connected; the source has not said what it brings. */
  | { readonly kind: 'opening' }
  /** Pages arrive; the guest has never run here. */
  | {
      readonly kind: 'copying';
      readonly hold: Hold;
      /** Page channels that are still to come. */
      readonly awaited: Set<number>;
      readonly fault: Connection | undefined;
    }
  /** All it needs to run is here. The source may still take it back. */
  | { readonly kind: 'ready'; readonly hold: Hold; readonly switchover: Switchover }
  /** `resume` has come. Until the guest has answered nobody knows whether it runs. */
  | { readonly kind: 'resuming'; readonly hold: Hold; readonly handler: FaultHandler | undefined }
  /** The guest is ours; pages are still missing (post-copy). */
  | {
      readonly kind: 'running';
      readonly hold: Hold;
      readonly handler: FaultHandler;
      readonly runs: boolean;
    }
  /** Every page is here. */
  | { readonly kind: 'complete'; readonly hold: Hold; readonly runs: boolean }
  | { readonly kind: 'ended' };

/** How a migration ended on this side. */
export type DestinationEnd =
  /** It was none: the source only asked how another one stands. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'arrived'; readonly guest: Guest }
  /** Nothing of the guest is left here; it never ran here, and never will. */
  | { readonly kind: 'dropped'; readonly error: PageferryError }
  /**
   * The guest is here and cannot go on: it waits for pages that will never come, or has not answered its resume.
   * Keep `hold`: while it lives, guest threads wait; without it they would go on and read zeros.
   */
  | { readonly kind: 'lost'; readonly hold: Hold; readonly error: PageferryError };
