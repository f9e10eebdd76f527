/** What this machine offers, and memory for a guest of your own. */
import { asArgumentError } from '../errors.js';
import { binding } from './binding.js';
import type { Probe } from './constants.js';
import type { Backing, GuestMemory } from './memory.js';

const probes = new Map<Backing, Probe>();

/**
 * Tries each mechanism on a page of its own; leaves nothing behind. This process asks the kernel once for each
 * backing, which takes about a millisecond, and then remembers.
 */
export function probe(backing: Backing = 'shared'): Probe {
  const known = probes.get(backing) ?? binding.probe(backing);
  probes.set(backing, known);
  return known;
}

/**
 * Fresh memory of one or more regions, each a positive multiple of 4096 bytes, all untouched. Throws USAGE
 * for another size.
 */
export function createGuestMemory(regionBytes: readonly number[]): GuestMemory {
  try {
    return binding.createGuestMemory(regionBytes);
  } catch (error) {
    throw asArgumentError(error, 'cannot create guest memory');
  }
}
