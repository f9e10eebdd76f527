// The guests that scenarios ask for, on both sides.
import {
  type Guest,
  type GuestFactory,
  type GuestMemory,
  WorkloadGuest,
  type WorkloadOptions,
} from '#engine/index.js';
import { SparseGuest, type SparseOptions } from '../lib/sparse-guest.js';
import { TouchGuest, type TouchOptions } from '../lib/touch-guest.js';
import { sendFailure } from './agent.js';

const PAGE_BYTES = 4096;
const WINDOW_BYTES = 2 ** 30;

export interface WantedWorkload {
  readonly kind: 'workload';
  readonly options: WorkloadOptions;
  /** Touches every page first, so that a guest of zeros has pages to send. */
  readonly populate?: boolean;
}

export type WantedGuest =
  | WantedWorkload
  | ({ readonly kind: 'touch' } & TouchOptions)
  | ({ readonly kind: 'sparse' } & SparseOptions);

export function memoryBytesOf(wanted: WantedGuest): number {
  return wanted.kind === 'workload' ? wanted.options.memoryBytes : wanted.memoryBytes;
}

/** Writes a zero to each page where the guest runs, as the guest itself would. */
function touchEachPage(memory: GuestMemory): void {
  for (let offset = 0; offset < memory.bytes; offset += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, memory.bytes - offset);
    const bytes = new Uint8Array(memory.window(offset, length));
    for (let at = 0; at < length; at += PAGE_BYTES) bytes[at] = 0;
  }
}

/** On the source. */
export async function createGuest(wanted: WantedGuest): Promise<Guest> {
  if (wanted.kind === 'touch') return TouchGuest.create(wanted);
  if (wanted.kind === 'sparse') return SparseGuest.create(wanted);
  const guest = await WorkloadGuest.create(wanted.options);
  if (wanted.populate === true) {
    // Many threads clear pages sooner than the loop that writes to each.
    await guest.memory.prefault();
    touchEachPage(guest.memory);
  }
  return guest;
}

/** The destination's factory. */
export function guestFactory(wanted: WantedGuest): GuestFactory {
  if (wanted.kind === 'touch') return (memory) => TouchGuest.arrive(memory, wanted, sendFailure);
  if (wanted.kind === 'sparse') return async (memory) => SparseGuest.arrive(memory, wanted);
  const { fill } = wanted.options;
  return fill?.kind === 'image' ? WorkloadGuest.arriveWith([fill.path]) : WorkloadGuest.arrive;
}
