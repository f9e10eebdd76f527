/** A guest is moved by one migration at a time, and never again from where it was given up. */
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Relay } from '../support/relay.js';

const SLOW = { bandwidthBytesPerSecond: MIB } as const;

describe('a second migration of a guest', () => {
  it('that is migrating is refused, and disturbs nothing', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB, writesPerSecond: 100 });
    const first = sourceFor(guest, receiving.port, SLOW);
    const second = sourceFor(guest, receiving.port);
    const moving = first.migrate();
    await expect(second.migrate()).rejects.toMatchObject({
      name: 'PageferryError',
      code: 'USAGE',
      message: expect.stringContaining('migrating already'),
    });
    first.cancel();
    expect((await failureOf(moving)).code).toBe('CANCELLED');
    await expectUnharmed(guest);
    // The one that was refused may try again.
    expect(await second.migrate()).toMatchObject({ guestVerified: true });
    await expectUnharmed(await receiving.nextArrived());
    expect(receiving.arrived).toEqual([]);
  });

  it('is refused, too, when another object stands for the same memory', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB, writesPerSecond: 100 });
    const first = sourceFor(guest, receiving.port, SLOW);
    const moving = first.migrate();
    const double: Guest = {
      memory: guest.memory,
      pause: () => guest.pause(),
      resume: () => guest.resume(),
      saveState: () => guest.saveState(),
      loadState: (state) => guest.loadState(state),
    };
    await expect(migrate(double, receiving.port)).rejects.toMatchObject({ code: 'USAGE' });
    first.cancel();
    await failureOf(moving);
  });

  it('that has moved is refused for ever, and it moves on from where it is', async () => {
    const [there, further] = [await Receiving.start(), await Receiving.start()];
    const guest = await startGuest({ memoryBytes: MIB });
    await migrate(guest, there.port, { strategy: 'post-copy' });
    for (let i = 0; i < 2; i += 1) {
      await expect(migrate(guest, further.port)).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('given up'),
      });
    }
    await expectStill(guest);
    const arrived = await there.nextArrived();
    expect(await migrate(arrived, further.port)).toMatchObject({ guestVerified: true });
    await expectUnharmed(await further.nextArrived());
  });

  it('of which nobody knows where it is is refused', async () => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    relay.onMessage = (type) => {
      if (type !== 'running') return 'pass';
      relay.cut();
      return 'swallow';
    };
    const guest = await startGuest({ memoryBytes: MIB });
    expect((await failureOf(migrate(guest, relay.port))).report.guestLocation).toBe('unknown');
    await expect(migrate(guest, receiving.port)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is taken after one that failed to reach anybody', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: MIB });
    expect((await failureOf(migrate(guest, 1))).code).toBe('UNREACHABLE');
    expect(await migrate(guest, receiving.port)).toMatchObject({ guestVerified: true });
  });
});
