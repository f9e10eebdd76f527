/** A guest of an embedder's own that fails in what it is asked to do. */
import { describe, expect, it, vi } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { binding } from '../../src/native/binding.js';
import { createGuestMemory } from '../../src/native/machine.js';
import type { GuestMemory } from '../../src/native/memory.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';

type Call = 'pause' | 'resume' | 'saveState' | 'loadState';

class FailingGuest implements Guest {
  isRunning = false;
  discarded = false;
  constructor(
    readonly memory: GuestMemory,
    readonly failsTo: Call | null,
  ) {}

  async pause(): Promise<void> {
    this.#maybe('pause');
    this.isRunning = false;
  }

  async resume(): Promise<void> {
    this.#maybe('resume');
    this.isRunning = true;
  }

  async saveState(): Promise<Uint8Array> {
    this.#maybe('saveState');
    return Uint8Array.of(1);
  }

  async loadState(): Promise<void> {
    this.#maybe('loadState');
  }

  discard(): void {
    this.discarded = true;
  }

  #maybe(call: Call): void {
    if (call === this.failsTo) throw new Error(`${call} does not work today`);
  }
}

function guestHere(failsTo: Call | null): FailingGuest {
  const guest = new FailingGuest(createGuestMemory([1 << 20]), failsTo);
  atEnd(() => guest.memory.release());
  guest.isRunning = true;
  return guest;
}

/** What the engine asks of the addon from here on until the test ends: when the final round is over, when it disarms. */
function watchFinalRound(): string[] {
  const seen: string[] = [];
  const { createPageSender, createDirtyTracker } = binding;
  const senders = vi.spyOn(binding, 'createPageSender').mockImplementation((...args) => {
    const sender = createPageSender(...args);
    const finalRound = sender.finalRound.bind(sender);
    const value: typeof finalRound = async (...of) => {
      try {
        return await finalRound(...of);
      } finally {
        seen.push('final round over');
      }
    };
    return Object.defineProperty(sender, 'finalRound', { value });
  });
  const trackers = vi.spyOn(binding, 'createDirtyTracker').mockImplementation((...args) => {
    const tracker = createDirtyTracker(...args);
    const disarm = tracker.disarm.bind(tracker);
    const value = async () => {
      seen.push('disarm');
      await disarm();
    };
    return Object.defineProperty(tracker, 'disarm', { value });
  });
  atEnd(() => {
    senders.mockRestore();
    trackers.mockRestore();
  });
  return seen;
}

/** A destination whose guests fail, and those guests. */
async function receivingGuestsThat(failsTo: Call | null) {
  const guests: FailingGuest[] = [];
  const receiving = await Receiving.start({
    createGuest: async (memory) => {
      const guest = new FailingGuest(memory, guests.length === 0 ? failsTo : null);
      guests.push(guest);
      return guest;
    },
  });
  return { receiving, guests };
}

describe('a guest on the source', () => {
  it.each(['pause', 'saveState'] as const)('that fails to %s runs on there', async (call) => {
    const { receiving, guests } = await receivingGuestsThat(null);
    const guest = guestHere(call);
    const error = await failureOf(migrate(guest, receiving.port));
    expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
    expect(error.message).toContain(`${call} does not work today`);
    expect(guest.isRunning).toBe(true);
    await receiving.nextDropped();
    expect(guests[0]).toMatchObject({ isRunning: false, discarded: true });
  });

  it('that fails to save its state keeps its tracker armed until the final round is over', async () => {
    const { receiving } = await receivingGuestsThat(null);
    const seen = watchFinalRound();
    await failureOf(migrate(guestHere('saveState'), receiving.port, { strategy: 'pre-copy' }));
    expect(seen.slice(0, 2)).toEqual(['final round over', 'disarm']);
  });

  it('that fails to resume after a failed migration is reported as such', async () => {
    const { receiving } = await receivingGuestsThat(null);
    const guest = guestHere('resume');
    const source = sourceFor(guest, receiving.port);
    source.on('phase', (phase) => {
      if (phase === 'final-round') source.cancel('enough');
    });
    const error = await failureOf(source.migrate());
    expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
    expect(error.message).toMatch(/resume does not work today.*enough/);
  });
});

describe('a guest on the destination', () => {
  it.each(['stop-and-copy', 'post-copy'] as const)(
    'that fails to load its state stays on the source (%s)',
    async (strategy) => {
      const { receiving, guests } = await receivingGuestsThat('loadState');
      const guest = guestHere(null);
      const error = await failureOf(migrate(guest, receiving.port, { strategy }));
      expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
      expect(error.message).toContain('loadState does not work today');
      expect(guest.isRunning).toBe(true);
      await receiving.nextDropped();
      expect(guests[0]).toMatchObject({ isRunning: false, discarded: true });
      expect(await migrate(guest, receiving.port, { strategy })).toMatchObject({
        outcome: 'completed',
      });
      expect(guests[1]?.isRunning).toBe(true);
    },
  );

  it('that cannot be built stays on the source', async () => {
    const receiving = await Receiving.start({
      createGuest: async () => {
        throw new Error('no room at the inn');
      },
    });
    const guest = guestHere(null);
    const error = await failureOf(migrate(guest, receiving.port));
    expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
    expect(error.message).toContain('no room at the inn');
    expect(guest.isRunning).toBe(true);
  });
});
