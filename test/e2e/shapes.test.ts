import { describe, expect, it } from 'vitest';
import type { Guest, GuestFactory } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import type { GuestMemory } from '../../src/native/memory.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { atEnd } from '../support/at-end.js';
import { CountingGuest, CountingWorkerGuest } from '../support/counting-guest.js';
import { migrate, Receiving } from '../support/destinations.js';
import { expectRunning, expectUnharmed, MIB, startGuest } from '../support/guests.js';

const GIB = 2 ** 30;
const PAGE_BYTES = 4096;

describe.each(STRATEGY_NAMES)('%s moves', (strategy) => {
  it.each(['uniform', 'idle', 'kv'] as const)(
    'a guest of one page that runs %s',
    async (workload) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ memoryBytes: PAGE_BYTES, workload });
      const report = await migrate(guest, receiving.port, { strategy, channels: 3 });
      expect(report).toMatchObject({ guestVerified: true, verification: { pagesCompared: 1 } });
    },
  );

  // Demand faults of the JavaScript thread would be waited for by the one who has to see to them.
  const kinds =
    strategy === 'pre-copy' || strategy === 'stop-and-copy'
      ? [CountingWorkerGuest, CountingGuest]
      : [CountingWorkerGuest];

  it.each(kinds)('a guest of several regions that is written in TypeScript: %o', async (Kind) => {
    const receiving = await Receiving.start({ createGuest: Kind.arrive });
    // No region starts where a stripe does, and one is a single page.
    const memory = createGuestMemory([3 * PAGE_BYTES, 5 * MIB, PAGE_BYTES, 2 * MIB + PAGE_BYTES]);
    const guest = new Kind(memory);
    atEnd(() => guest.discard());
    await guest.resume();
    await expectRunning(guest);
    const report = await migrate(guest, receiving.port, { strategy, channels: 2 });
    expect(report).toMatchObject({
      guestVerified: true,
      verification: { pagesCompared: memory.pageCount },
      guest: { workload: 'counting' },
    });
    const arrived = await receiving.nextArrived();
    atEnd(() => arrived.discard?.());
    expect(arrived.memory.regions).toEqual(memory.regions);
    await expectUnharmed(arrived);
  });
});

/** Memory, and nothing that runs on it. */
class StillGuest implements Guest {
  constructor(readonly memory: GuestMemory) {}
  static readonly arrive: GuestFactory = async (memory) => new StillGuest(memory);
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async saveState(): Promise<Uint8Array> {
    return Uint8Array.of(1, 2, 3);
  }
  async loadState(state: Uint8Array): Promise<void> {
    expect([...state]).toEqual([1, 2, 3]);
  }
}

function pageAt(memory: GuestMemory, offset: number): Buffer {
  return Buffer.from(memory.window(offset, PAGE_BYTES));
}

describe('a guest of 5 GiB of which hardly a page was touched', () => {
  const offsets = [0, 4096 * 1023, GIB, 4 * GIB - PAGE_BYTES, 4 * GIB, 5 * GIB - PAGE_BYTES];

  it.each(STRATEGY_NAMES)('moves by %s, and stays untouched elsewhere', async (strategy) => {
    const receiving = await Receiving.start({ createGuest: StillGuest.arrive });
    const memory = createGuestMemory([5 * GIB]);
    atEnd(() => memory.release());
    offsets.forEach((offset, at) => {
      pageAt(memory, offset).fill(at + 1);
    });
    const report = await migrate(new StillGuest(memory), receiving.port, { strategy, channels: 2 });
    expect(report).toMatchObject({ outcome: 'completed', guestVerified: null, guest: null });
    expect(report.memoryBytes).toBe(5 * GIB);
    expect(report.wireBytes).toBeLessThan(MIB);
    const arrived = await receiving.nextArrived();
    atEnd(() => arrived.memory.release());
    expect((await arrived.memory.findPopulated()).count()).toBe(offsets.length);
    offsets.forEach((offset, at) => {
      expect(pageAt(arrived.memory, offset).equals(Buffer.alloc(PAGE_BYTES, at + 1))).toBe(true);
    });
  });
});
