// The guests that scenarios ask for, on both sides.
import { WorkloadGuest } from '../../dist/index.js';
import { SparseGuest } from '../lib/sparse-guest.mjs';
import { TouchGuest } from '../lib/touch-guest.mjs';
import { sendFailure } from './agent.mjs';

/** On the source. `populate` touches every page first, so that a guest of zeros has pages to send. */
export async function createGuest({ kind, options, populate = false, ...wanted }) {
  if (kind === 'touch') return TouchGuest.create(wanted);
  if (kind === 'sparse') return SparseGuest.create(wanted);
  const guest = await WorkloadGuest.create(options);
  if (populate) await guest.memory.prefault();
  return guest;
}

/** The destination's factory. */
export function guestFactory(wanted) {
  if (wanted.kind === 'touch') return (memory) => TouchGuest.arrive(memory, wanted, sendFailure);
  return wanted.kind === 'sparse' ? SparseGuest.arrive : WorkloadGuest.arrive;
}
