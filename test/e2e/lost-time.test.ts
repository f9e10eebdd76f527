/** What a migration says of the work that its guest did not do, for guests whose work is known exactly. */
import { describe, expect, it } from 'vitest';
import { createGuestMemory } from '../../src/native/machine.js';
import type { Source } from '../../src/source/source.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { guestsWith, receivingWith, STILL_PROBE } from '../support/guest-with.js';
import { MIB, startGuest } from '../support/guests.js';

const STRATEGIES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;
const BEFORE = 1_000_000;

/**
 * A guest that does BEFORE operations while it is watched before its migration, and `during` at once after that began,
 * whatever the time.
 */
async function scriptedMigration(
  strategy: (typeof STRATEGIES)[number],
  during: number,
): Promise<Source> {
  let asked = 0;
  let done = BEFORE;
  const observe = () => {
    asked += 1;
    return { operations: asked === 1 ? 0 : done, longestGapMs: 0 };
  };
  const probe = { ...STILL_PROBE, observe };
  const { receiving } = await receivingWith({ probe });
  const { createGuest } = guestsWith({ probe });
  const guest = await createGuest(createGuestMemory([MIB]), new Uint8Array());
  const source = sourceFor(guest, receiving.port, { strategy, observeMs: 20 });
  source.on('phase', (phase) => {
    if (phase === 'copy-rounds') done += during;
  });
  return source;
}

describe.each(STRATEGIES)('the lost time of a guest that is migrated by %s', (strategy) => {
  it('is all of the time where it does nothing', async () => {
    const { guest, totalMs, downtimeMs } = await (await scriptedMigration(strategy, 0)).migrate();
    expect(guest).toMatchObject({ opsPerSecondSlowest: 0, opsPerSecondDuring: 0 });
    expect(guest?.lostMs).toBeGreaterThan(downtimeMs ?? Number.NaN);
    expect(guest?.lostMs).toBeLessThanOrEqual(totalMs);
  });

  it.each([BEFORE / 1000, 100 * BEFORE])(
    'is less by the time that %d operations take at its rate before',
    async (during) => {
      const migration = (await scriptedMigration(strategy, during)).migrate();
      const { guest, totalMs, downtimeMs } = await migration;
      const workMs = (during / (guest?.opsPerSecondBefore ?? Number.NaN)) * 1000;
      const watchedMs = (guest?.lostMs ?? Number.NaN) + workMs;
      expect(watchedMs).toBeGreaterThan(downtimeMs ?? Number.NaN);
      expect(watchedMs).toBeLessThanOrEqual(totalMs * 1.000_001);
      expect(guest?.opsPerSecondDuring).toBeCloseTo((during / watchedMs) * 1000, -1);
    },
  );

  it('is known where the guest stays, too', async () => {
    const source = await scriptedMigration(strategy, 0);
    source.on('phase', (phase) => {
      if (phase === 'final-round') source.cancel('enough');
    });
    const { report } = await failureOf(source.migrate());
    expect(report).toMatchObject({ guestLocation: 'source', guest: { opsPerSecondDuring: 0 } });
    expect(report.guest?.lostMs).toBeGreaterThan(0);
    expect(report.guest?.lostMs).toBeLessThanOrEqual(report.totalMs);
  });
});

describe('the lost time is not known', () => {
  it.each([
    ['of a guest that was not watched before', {}, 0],
    ['of one that did nothing before', { workload: 'idle' }, 20],
  ] as const)('%s', async (_of, options, observeMs) => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: MIB, ...options });
    const report = await migrate(guest, receiving.port, { observeMs });
    expect(report.guest?.lostMs).toBeNull();
    expect(report.guest?.opsPerSecondDuring).not.toBeNull();
  });

  it('of one that its owner had paused, even if it ran before', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: MIB });
    const source = sourceFor(guest, receiving.port, { observeMs: 20 });
    source.on('phase', (phase) => {
      if (phase === 'negotiate') void guest.pause();
    });
    const report = await source.migrate();
    expect(report.guest?.opsPerSecondBefore).toBeGreaterThan(0);
    expect(report.guest).toMatchObject({ lostMs: null, opsPerSecondSlowest: null });
  });
});
