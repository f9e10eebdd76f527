/** A guest that its owner has paused arrives, and stays, paused; and one whose migration fails stays paused, too. */
import { describe, expect, it } from 'vitest';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectIntact, expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';

const STRATEGIES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;

async function pausedGuest() {
  const guest = await startGuest({ memoryBytes: 4 * MIB });
  await guest.pause();
  expect(guest.isRunning).toBe(false);
  return guest;
}

describe.each(STRATEGIES)('a paused guest (%s)', (strategy) => {
  it('arrives paused, with all its pages, and runs on when its new owner lets it', async () => {
    const receiving = await Receiving.start();
    const guest = await pausedGuest();
    const report = await migrate(guest, receiving.port, { strategy });
    expect(report).toMatchObject({
      outcome: 'completed',
      guestVerified: true,
      downtimeMs: null,
      downtimeParts: null,
      guest: { longestGapMs: null },
    });
    const arrived = await receiving.nextArrived();
    expect(arrived.isRunning).toBe(false);
    await expectStill(arrived);
    await arrived.resume();
    await expectUnharmed(arrived);
  });

  it.each(['copy-rounds', 'pause-guest', 'final-round', 'commit-switchover'] as const)(
    'stays paused when its migration is cancelled at %s',
    async (cancelled) => {
      const receiving = await Receiving.start();
      const guest = await pausedGuest();
      const source = sourceFor(guest, receiving.port, { strategy });
      source.on('phase', (phase) => {
        if (phase === cancelled) source.cancel('enough');
      });
      const { code, report } = await failureOf(source.migrate());
      expect(code).toBe('CANCELLED');
      expect(report.guest?.longestGapMs ?? null).toBeNull();
      expect(guest.isRunning).toBe(false);
      await expectStill(guest);
      await expectIntact(guest);
    },
  );
});

describe('a guest that runs', () => {
  it('when the pause comes has a downtime, though it was paused when the migration began', async () => {
    const receiving = await Receiving.start();
    const guest = await pausedGuest();
    const source = sourceFor(guest, receiving.port, { strategy: 'pre-copy' });
    source.on('phase', (phase) => {
      if (phase === 'copy-rounds') void guest.resume();
    });
    const report = await source.migrate();
    expect(report.downtimeMs).toBeGreaterThan(0);
    await expectUnharmed(await receiving.nextArrived());
  });
});
