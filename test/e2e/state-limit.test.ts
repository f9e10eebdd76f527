/** How long the state of a guest may be. */
import { describe, expect, it } from 'vitest';
import { failureOf, migrate, Receiving } from '../support/destinations.js';
import { HeldGuest, heldGuest } from '../support/held-guest.js';

const LIMIT = 100_000;

async function receivingStatesUpTo(maxStateBytes: number) {
  const guests: HeldGuest[] = [];
  const receiving = await Receiving.start({
    maxStateBytes,
    createGuest: async (memory) => {
      const guest = new HeldGuest(memory);
      guests.push(guest);
      return guest;
    },
  });
  return { receiving, guests };
}

describe('the state of a guest', () => {
  it('arrives whole when it is as long as it may be', async () => {
    const { receiving, guests } = await receivingStatesUpTo(LIMIT);
    const guest = Object.assign(heldGuest(), { maxStateBytes: LIMIT });
    guest.state = Uint8Array.from({ length: LIMIT }, (_, at) => at % 251);
    expect((await migrate(guest, receiving.port)).outcome).toBe('completed');
    expect(guests[0]?.state).toEqual(guest.state);
  });

  it('that may be too long is found before the guest is paused', async () => {
    const { receiving } = await receivingStatesUpTo(LIMIT);
    const guest = Object.assign(heldGuest(), { maxStateBytes: LIMIT + 1 });
    const error = await failureOf(migrate(guest, receiving.port));
    expect(error).toMatchObject({ code: 'GUEST_TOO_LARGE', report: { guestLocation: 'source' } });
    expect(error.message).toContain('97.7 KiB');
    expect(guest.calls).toEqual([]);
    expect(guest.isRunning).toBe(true);
  });

  it.each([LIMIT + 1, 300 << 20])(
    'that turns out to have %i bytes is said to be too long, with the limit, and the guest runs on',
    async (bytes) => {
      const { receiving } = await receivingStatesUpTo(LIMIT);
      const guest = heldGuest();
      guest.state = new Uint8Array(bytes);
      const error = await failureOf(migrate(guest, receiving.port));
      expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
      expect(error.message).toContain('97.7 KiB');
      expect(guest.isRunning).toBe(true);
      expect(guest.calls).toEqual(['pause', 'saveState', 'resume']);
    },
  );

  it.each([undefined, null, 'text', [1, 2], new ArrayBuffer(8)])(
    'that is %j and no bytes is the guest’s own failure, and it runs on',
    async (state) => {
      const { receiving } = await receivingStatesUpTo(LIMIT);
      const guest = heldGuest();
      guest.saveState = async () => state as unknown as Uint8Array;
      const error = await failureOf(migrate(guest, receiving.port));
      expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
      expect(error.message).toContain('instead of a Uint8Array');
      expect(guest.isRunning).toBe(true);
    },
  );
});
