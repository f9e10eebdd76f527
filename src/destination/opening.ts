/** From `open` to a guest that can be filled. */
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { discardGuest, GUEST, guestCall } from '../guest/guest-call.js';
import { binding } from '../native/binding.js';
import type { ContentName } from '../native/contents.js';
import type { GuestMemory } from '../native/memory.js';
import type { SourceMessage } from '../protocol/messages.js';
import { dropHold } from './ending.js';
import type { Reservation } from './ledger.js';
import type { ResolvedDestinationOptions } from './options.js';
import { unlessAborted } from './patience.js';
import type { PreparedMemory } from './prepared-memory.js';
import type { Hold } from './state.js';

type Open = Extract<SourceMessage, { type: 'open' }>;

/** What a migration finds here. */
export interface Premises {
  readonly options: ResolvedDestinationOptions;
  readonly prepared: PreparedMemory;
}

export interface OpeningContext extends Premises {
  readonly reservation: Reservation | undefined;
  /** Those that were accepted. */
  readonly contents: readonly ContentName[];
  /** Aborted when the migration has failed meanwhile. */
  readonly signal: AbortSignal;
  readonly onChannelFailure: (error: Error) => void;
}

/** On failure nothing is left, or will be once a factory that took too long has answered. */
export async function openHold(open: Open, context: OpeningContext): Promise<Hold> {
  const regionBytes = open.spaces.map((space) => space.bytes);
  const prepared = context.prepared.take(regionBytes);
  const memory = prepared ?? (await createMemory(regionBytes, context));
  const guest = await createGuest(memory, open.description, context);
  const hold = receive(memory, guest, open, context);
  // What was populated before is as it is.
  if (prepared !== undefined || context.options.prefault) return hold;
  const populating = hold.arriving.populateAhead(open.dense);
  try {
    if (open.populateFirst) await unlessAborted(populating, context.signal);
    return hold;
  } catch (error) {
    dropHold(hold);
    throw error;
  }
}

function receive(
  memory: GuestMemory,
  guest: Guest,
  open: Open,
  { contents, onChannelFailure }: OpeningContext,
): Hold {
  try {
    const arriving = binding.createArrivingMemory(memory);
    const receiver = binding.createPageReceiver(
      arriving,
      open.channels,
      contents,
      onChannelFailure,
    );
    return { memory, guest, arriving, receiver, contents };
  } catch (error) {
    discardGuest(guest);
    memory.release();
    throw error;
  }
}

async function createMemory(
  regionBytes: number[],
  { options, reservation, signal }: OpeningContext,
): Promise<GuestMemory> {
  let memory: GuestMemory | undefined;
  try {
    memory = binding.createGuestMemory(regionBytes);
    reservation?.attach(memory);
    if (options.prefault) await unlessAborted(memory.prefault(), signal);
    return memory;
  } catch (error) {
    memory?.release();
    const failure = asPageferryError(error, "cannot make the guest's memory");
    // To the source it is the destination that has too little.
    if (failure.code !== 'NO_MEMORY') throw failure;
    throw new PageferryError('DESTINATION_NO_MEMORY', failure.message, { cause: error });
  }
}

async function createGuest(
  memory: GuestMemory,
  description: Uint8Array,
  { options, signal }: OpeningContext,
): Promise<Guest> {
  let isBuilding = false;
  const build = async () => {
    isBuilding = true;
    try {
      return await options.createGuest(memory, description);
    } catch (error) {
      memory.release();
      throw error;
    } finally {
      isBuilding = false;
    }
  };
  try {
    return await guestCall('be built', build, {
      deadlineMs: options.guestCallMs,
      signal,
      answer: GUEST,
      late: (guest) => {
        discardGuest(guest);
        memory.release();
      },
    });
  } catch (error) {
    // Until the factory has answered it may write there. It was not asked where the migration had failed before.
    if (!isBuilding) memory.release();
    throw error;
  }
}
