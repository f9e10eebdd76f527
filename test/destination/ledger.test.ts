import { describe, expect, it, vi } from 'vitest';
import { type Claim, Ledger, type Populating } from '../../src/destination/ledger.js';
import { PreparedMemory } from '../../src/destination/prepared-memory.js';
import { PageferryError } from '../../src/errors.js';
import type { AvailableMemory } from '../../src/host/memory.js';
import { binding } from '../../src/native/binding.js';
import { atEnd } from '../support/at-end.js';
import { seededRandom } from '../support/random.js';
import { rejection, until } from '../support/until.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const GUEST: Claim = { code: 'DESTINATION_NO_MEMORY', what: 'the guest', remedy: 'Ask elsewhere' };

/** A host with this much free; what its memories populate is free no longer, as the kernel would say. */
class SmallHost {
  readonly ledger = new Ledger(() => this.available());
  readonly #memories: { bytes: number }[] = [];
  readonly #bytes: number;
  /** Taken by processes that no ledger knows. */
  takenByOthers = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  available(): AvailableMemory {
    const populated = this.#memories.reduce((sum, { bytes }) => sum + bytes, 0);
    const bytes = Math.max(0, this.#bytes - this.takenByOthers - populated);
    return { bytes, boundBy: 'cgroup', where: '/sys/fs/cgroup/a/memory.max' };
  }

  /** Memory that holds `bytes`; set them to populate it. */
  memory(bytes = 0): Populating & { bytes: number } {
    const memory = { bytes, allocatedBytes: () => memory.bytes };
    this.#memories.push(memory);
    return memory;
  }
}

function refusal(reserve: () => unknown): PageferryError {
  try {
    reserve();
  } catch (error) {
    if (error instanceof PageferryError) return error;
    throw error;
  }
  throw new Error('it was expected to be refused and was not');
}

describe('a ledger', () => {
  it('does not promise the same memory twice', () => {
    const { ledger } = new SmallHost(21 * GIB);
    ledger.reserve(15 * GIB, GUEST);
    expect(() => ledger.reserve(15 * GIB, GUEST)).toThrow(PageferryError);
    ledger.reserve(6 * GIB, GUEST);
    expect(() => ledger.reserve(1, GUEST)).toThrow(PageferryError);
  });

  it('says what is needed, what is free, what others were promised, what binds and what to do', () => {
    const { ledger } = new SmallHost(21 * GIB);
    ledger.reserve(15 * GIB, GUEST);
    const { code, message } = refusal(() => ledger.reserve(16 * GIB, GUEST));
    expect(code).toBe('DESTINATION_NO_MEMORY');
    expect(message).toBe(
      'the guest needs 16 GiB and 6 GiB are free here: the limit in /sys/fs/cgroup/a/memory.max leaves 21 GiB, and 15 GiB are reserved for others. Ask elsewhere',
    );
  });

  it('does not speak of others where there are none', () => {
    const { ledger } = new SmallHost(GIB);
    expect(refusal(() => ledger.reserve(2 * GIB, GUEST)).message).not.toContain('others');
  });

  it('has a released promise to give again, once', () => {
    const { ledger } = new SmallHost(GIB);
    const reservation = ledger.reserve(GIB, GUEST);
    reservation.release();
    reservation.release();
    expect(ledger.reservedBytes).toBe(0);
    ledger.reserve(GIB, GUEST);
    expect(() => ledger.reserve(1, GUEST)).toThrow(PageferryError);
  });

  it('keeps nothing of what it refused', () => {
    const { ledger } = new SmallHost(GIB);
    expect(() => ledger.reserve(2 * GIB, GUEST)).toThrow(PageferryError);
    expect(ledger.reservedBytes).toBe(0);
  });

  it('counts what was populated once: the kernel has it in its figures', () => {
    const host = new SmallHost(20 * GIB);
    const first = host.ledger.reserve(10 * GIB, GUEST);
    const memory = host.memory();
    first.attach(memory);
    memory.bytes = 10 * GIB;
    expect(host.ledger.reservedBytes).toBe(0);
    host.ledger.reserve(10 * GIB, GUEST);
  });

  it('promises exactly the rest, however much of each guest has come', () => {
    const random = seededRandom(14);
    for (let i = 0; i < 200; i += 1) {
      const host = new SmallHost(64 * GIB);
      let promised = 0;
      for (let guest = 0; guest < 8; guest += 1) {
        const bytes = random.whole(1, 8 * GIB);
        const memory = host.memory();
        host.ledger.reserve(bytes, GUEST).attach(memory);
        memory.bytes = random.whole(0, bytes);
        promised += bytes;
      }
      const rest = 64 * GIB - promised;
      expect(() => host.ledger.reserve(rest + 1, GUEST)).toThrow(PageferryError);
      host.ledger.reserve(rest, GUEST);
    }
  });

  it('does not take what a memory held before for part of the promise', () => {
    const host = new SmallHost(20 * GIB);
    const reservation = host.ledger.reserve(4 * GIB, GUEST);
    reservation.attach(host.memory(8 * GIB));
    expect(reservation.outstandingBytes).toBe(4 * GIB);
  });

  it('still keeps the whole promise for a memory that was let go of early', () => {
    const memory = binding.createGuestMemory([MIB]);
    const reservation = new SmallHost(GIB).ledger.reserve(MIB, GUEST);
    reservation.attach(memory);
    memory.release();
    expect(reservation.outstandingBytes).toBe(MIB);
  });

  it('sees what real memory has populated', async () => {
    const { ledger } = new SmallHost(GIB);
    const memory = binding.createGuestMemory([4 * MIB, MIB]);
    atEnd(() => memory.release());
    const reservation = ledger.reserve(8 * MIB, GUEST);
    reservation.attach(memory);
    expect(reservation.outstandingBytes).toBe(8 * MIB);
    new Uint8Array(memory.window(0, MIB)).fill(1);
    expect(reservation.outstandingBytes).toBe(7 * MIB);
    await memory.prefault();
    expect(reservation.outstandingBytes).toBe(3 * MIB);
  });
});

describe('a guest that outgrows its promise', () => {
  function growing(freeBytes: number) {
    const host = new SmallHost(freeBytes);
    const reservation = host.ledger.reserve(2 * GIB, GUEST);
    const memory = host.memory();
    reservation.attach(memory);
    const outgrown: PageferryError[] = [];
    reservation.watchGrowth((error) => outgrown.push(error));
    atEnd(() => reservation.release());
    return { host, reservation, memory, outgrown };
  }

  it('may, while nothing else needs that memory', () => {
    vi.useFakeTimers();
    atEnd(() => void vi.useRealTimers());
    const { memory, outgrown } = growing(8 * GIB);
    memory.bytes = 7 * GIB;
    vi.advanceTimersByTime(1000);
    expect(outgrown).toEqual([]);
  });

  it('is told once when nothing is left', async () => {
    const { memory, outgrown } = growing(8 * GIB);
    memory.bytes = 8 * GIB;
    await until('it is told', () => outgrown.length > 0);
    expect(outgrown).toHaveLength(1);
    expect(outgrown[0]).toMatchObject({
      code: 'DESTINATION_NO_MEMORY',
      message: expect.stringMatching(/2 GiB that it came with, 8 GiB by now.*Ask elsewhere$/),
    });
  });

  it('is told before it takes what another was promised', async () => {
    const { host, memory, outgrown } = growing(8 * GIB);
    host.ledger.reserve(4 * GIB, GUEST);
    memory.bytes = 4 * GIB;
    await until('it is told', () => outgrown.length > 0);
    expect(outgrown[0]?.message).toContain('4 GiB are reserved for others');
  });

  it('is not blamed for what others take while it keeps to its promise', () => {
    vi.useFakeTimers();
    atEnd(() => void vi.useRealTimers());
    const { host, memory, outgrown } = growing(8 * GIB);
    memory.bytes = 2 * GIB;
    host.takenByOthers = 6 * GIB;
    vi.advanceTimersByTime(1000);
    expect(outgrown).toEqual([]);
  });

  it('is not told after its promise was released', () => {
    vi.useFakeTimers();
    atEnd(() => void vi.useRealTimers());
    const { reservation, memory, outgrown } = growing(8 * GIB);
    reservation.release();
    memory.bytes = 8 * GIB;
    vi.advanceTimersByTime(1000);
    expect(outgrown).toEqual([]);
  });
});

describe('memory that is prepared', () => {
  it('is reserved while it is populated, and no longer', async () => {
    const { ledger } = new SmallHost(GIB);
    const populating = PreparedMemory.populate([[MIB], [2 * MIB, MIB]], ledger);
    expect(ledger.reservedBytes).toBeGreaterThanOrEqual(3 * MIB);
    const prepared = await populating;
    atEnd(() => prepared.release());
    expect(ledger.reservedBytes).toBe(0);
  });

  it('is refused where guests that are arriving were promised the rest', async () => {
    const { ledger } = new SmallHost(GIB);
    ledger.reserve(GIB - MIB, GUEST);
    expect(await rejection(PreparedMemory.populate([[MIB]], ledger))).toMatchObject({
      code: 'NO_MEMORY',
      message: expect.stringMatching(/^the memory to prepare needs .* reserved for others/),
    });
  });

  it('asks nobody when there is none to prepare', async () => {
    const ledger = new Ledger(() => {
      throw new Error('nobody knows');
    });
    await PreparedMemory.populate([], ledger);
  });
});
