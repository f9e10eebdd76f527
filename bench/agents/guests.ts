// The guests that scenarios ask for, on both sides.
import { WorkloadGuest } from '../../dist/index.js';
import { SparseGuest } from '../lib/sparse-guest.mjs';
import { TouchGuest } from '../lib/touch-guest.mjs';
import { sendFailure } from './agent.mjs';

const PAGE_BYTES = 4096;
const WINDOW_BYTES = 2 ** 30;

/** Writes a zero to each page where the guest runs, as the guest itself would. */
function touchEachPage(memory) {
  for (let offset = 0; offset < memory.bytes; offset += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, memory.bytes - offset);
    const bytes = new Uint8Array(memory.window(offset, length));
    for (let at = 0; at < length; at += PAGE_BYTES) bytes[at] = 0;
  }
}

/** On the source. `populate` touches every page first, so that a guest of zeros has pages to send. */
export async function createGuest({ kind, options, populate = false, ...wanted }) {
  if (kind === 'touch') return TouchGuest.create(wanted);
  if (kind === 'sparse') return SparseGuest.create(wanted);
  const guest = await WorkloadGuest.create(options);
  if (populate) {
    // Many threads clear pages sooner than the loop that writes to each.
    await guest.memory.prefault();
    touchEachPage(guest.memory);
  }
  return guest;
}

/** The destination's factory. */
export function guestFactory(wanted) {
  if (wanted.kind === 'touch') return (memory) => TouchGuest.arrive(memory, wanted, sendFailure);
  return wanted.kind === 'sparse' ? SparseGuest.arrive : WorkloadGuest.arrive;
}
