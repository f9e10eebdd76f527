/**
 * What the destination of one migration is doing. Each state carries exactly what is valid then; agent.ts
 * steps from one to the next.
 */
import type { Guest } from '../guest/guest.js';
import type {
  ArrivingMemory,
  Connection,
  FaultHandler,
  GuestMemory,
  PageReceiver,
} from '../native/binding.js';

/** A guest that is being filled: what exists from `open` on. */
export interface Hold {
  readonly memory: GuestMemory;
  readonly guest: Guest;
  readonly arriving: ArrivingMemory;
  readonly receiver: PageReceiver;
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
  | {
      readonly kind: 'ready';
      readonly hold: Hold;
      readonly pausedAtNs: bigint;
      readonly loadStateMs: number;
      readonly handler: FaultHandler | undefined;
    }
  /** The guest runs; pages are still missing (post-copy). */
  | { readonly kind: 'running'; readonly hold: Hold; readonly handler: FaultHandler }
  /** Every page is here. */
  | { readonly kind: 'complete'; readonly hold: Hold }
  | { readonly kind: 'ended' };
