/** Memory that was made and populated before its guest came. */
import { asPageferryError } from '../errors.js';
import { costOfPopulating } from '../host/memory.js';
import { binding } from '../native/binding.js';
import type { GuestMemory } from '../native/memory.js';
import type { Claim, Ledger } from './ledger.js';

interface Prepared {
  readonly regionBytes: readonly number[];
  readonly memory: GuestMemory;
}

function alike(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bytes, i) => bytes === b[i]);
}

const PREPARED: Claim = {
  code: 'NO_MEMORY',
  what: 'the memory to prepare',
  remedy: 'Free some memory, or prepare less',
};

/**
 * Populating a page costs about as much as receiving it, and so does it before anybody waits. Each memory
 * serves one migration, whether or not that succeeds: no guest gets what was another's.
 */
export class PreparedMemory {
  #ready: Prepared[] = [];

  /**
   * One entry for each guest that is expected: the sizes of its regions in bytes. All of it is reserved while
   * it is populated. Throws NO_MEMORY and the like; nothing of it is left then.
   */
  static async populate(
    guests: readonly (readonly number[])[],
    ledger: Ledger,
  ): Promise<PreparedMemory> {
    const prepared = new PreparedMemory();
    if (guests.length === 0) return prepared;
    const bytes = guests.flat().reduce((sum, each) => sum + each, 0);
    const reservation = ledger.reserve(costOfPopulating(bytes), PREPARED);
    try {
      for (const regionBytes of guests) {
        const memory = binding.createGuestMemory([...regionBytes]);
        prepared.#ready.push({ regionBytes, memory });
        reservation.attach(memory);
        await memory.prefault();
      }
    } catch (error) {
      prepared.release();
      throw asPageferryError(error, "cannot prepare a guest's memory");
    } finally {
      reservation.release();
    }
    return prepared;
  }

  has(regionBytes: readonly number[]): boolean {
    return this.#ready.some((one) => alike(one.regionBytes, regionBytes));
  }

  /** Memory with exactly these regions, or undefined when none is left. */
  take(regionBytes: readonly number[]): GuestMemory | undefined {
    const at = this.#ready.findIndex((one) => alike(one.regionBytes, regionBytes));
    return at < 0 ? undefined : this.#ready.splice(at, 1)[0]?.memory;
  }

  /** Lets go of what no guest has taken. Idempotent. */
  release(): void {
    for (const { memory } of this.#ready.splice(0)) memory.release();
  }
}
