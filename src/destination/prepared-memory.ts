/** Memory that was made and populated before its guest came. */
import { asPageferryError, PageferryError } from '../errors.js';
import { binding, type GuestMemory } from '../native/binding.js';
import { formatBytes } from '../units.js';
import { roomForGuests } from './admission.js';

interface Prepared {
  readonly regionBytes: readonly number[];
  readonly memory: GuestMemory;
}

function alike(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bytes, i) => bytes === b[i]);
}

/** Beyond it the kernel would end processes, this one first. */
function checkRoom(bytes: number): void {
  const room = roomForGuests();
  if (bytes <= room) return;
  throw new PageferryError(
    'NO_MEMORY',
    `the memory to prepare is ${formatBytes(bytes)} and ${formatBytes(room)} are free here. Free some memory, or prepare less`,
  );
}

/**
 * Populating a page costs about as much as receiving it, and so does it before anybody waits. Each memory
 * serves one migration, whether or not that succeeds: no guest gets what was another's.
 */
export class PreparedMemory {
  #ready: Prepared[] = [];

  /** One entry for each guest that is expected: the sizes of its regions in bytes. Throws NO_MEMORY and the like. */
  static async populate(guests: readonly (readonly number[])[]): Promise<PreparedMemory> {
    checkRoom(guests.flat().reduce((sum, bytes) => sum + bytes, 0));
    const prepared = new PreparedMemory();
    try {
      for (const regionBytes of guests) {
        const memory = binding.createGuestMemory([...regionBytes]);
        prepared.#ready.push({ regionBytes, memory });
        await memory.prefault();
      }
    } catch (error) {
      prepared.release();
      throw asPageferryError(error, "cannot prepare a guest's memory");
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
