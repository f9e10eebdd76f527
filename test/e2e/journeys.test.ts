import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { TRACKER_KINDS } from '../../src/native/memory.js';
import { WORKLOAD_NAMES } from '../../src/native/workload.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/vocabulary.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectRunning, expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { until } from '../support/until.js';

describe.concurrent('one guest', () => {
  it.each(['uniform', 'kv'] as const)(
    'that runs %s goes back and forth ten times, by every strategy, and is verified each time',
    async (workload) => {
      const [here, there] = [await Receiving.start(), await Receiving.start()];
      let guest: Guest = await startGuest({
        workload,
        memoryBytes: 8 * MIB,
        threads: 2,
        writesPerSecond: 50_000,
      });
      let operations = 0;
      for (let journey = 0; journey < 10; journey += 1) {
        const receiving = journey % 2 === 0 ? there : here;
        const strategy = STRATEGY_NAMES[(journey * 3) % 4] as StrategyName;
        const report = await migrate(guest, receiving.port, {
          strategy,
          channels: 1 + (journey % 3),
        });
        expect(report, `journey ${journey} by ${strategy}`).toMatchObject({ guestVerified: true });
        await expectStill(guest);
        guest.discard?.();
        guest = await receiving.nextArrived();
        await expectRunning(guest);
        const now = guest.probe?.observe().operations ?? 0;
        expect(now).toBeGreaterThan(operations);
        operations = now;
      }
      await expectUnharmed(guest);
    },
  );
});

describe.concurrent('several guests', () => {
  it('move to one destination at once, each by another strategy', async () => {
    const receiving = await Receiving.start();
    const guests = await Promise.all(
      WORKLOAD_NAMES.map((workload, seed) =>
        startGuest({ workload, seed: seed + 1, memoryBytes: 8 * MIB, writesPerSecond: 50_000 }),
      ),
    );
    const reports = await Promise.all(
      guests.map((guest, at) =>
        migrate(guest, receiving.port, {
          strategy: STRATEGY_NAMES[at % 4] as StrategyName,
          channels: 1 + (at % 3),
        }),
      ),
    );
    expect(reports.map(({ guestVerified }) => guestVerified)).toEqual(guests.map(() => true));
    await until('all have arrived', () => receiving.arrived.length === guests.length);
    expect(receiving.destination.migrations).toBe(0);
  });

  it('are taken as many at once as was said, and no more', async () => {
    const receiving = await Receiving.start({ maxMigrations: 1 });
    const [first, second] = [await startGuest(), await startGuest()];
    const slow = sourceFor(first, receiving.port, { bandwidthBytesPerSecond: 4 * MIB });
    let isOpen = false;
    receiving.destination.on('arriving', () => {
      isOpen = true;
    });
    const cancelled = failureOf(slow.migrate());
    await until('the first has its place', () => isOpen);
    const error = await failureOf(migrate(second, receiving.port));
    expect(error.code).toBe('BUSY');
    await expectUnharmed(second);
    slow.cancel();
    expect((await cancelled).code).toBe('CANCELLED');
    await receiving.expectServesNext();
  });
});

describe.concurrent('pre-copy of a guest that writes faster than its pages are sent', () => {
  const neverConverging = {
    strategy: 'pre-copy',
    bandwidthBytesPerSecond: 16 * MIB,
    maxRounds: 2,
    // As they are, and without a budget: deltas of the few pages that a guest with little of the cores writes would fit it.
    compression: 'raw',
    downtimeBudgetMs: 0,
  } as const;

  it.each(['stop-and-copy', 'post-copy'] as const)('ends in %s when told so', async (otherwise) => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 8 * MIB });
    const report = await migrate(guest, receiving.port, { ...neverConverging, otherwise });
    expect(report).toMatchObject({ strategy: 'pre-copy', guestVerified: true });
    expect(report.rounds).toHaveLength(2);
    expect(report.demandFaults > 0).toBe(otherwise === 'post-copy');
  });

  it('gives up when told so, and the guest runs on where it was', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 8 * MIB });
    const error = await failureOf(
      migrate(guest, receiving.port, { ...neverConverging, otherwise: 'abort' }),
    );
    expect(error.code).toBe('NOT_CONVERGING');
    expect(error.report).toMatchObject({
      outcome: 'failed',
      guestLocation: 'source',
      downtimeMs: null,
    });
    await expectUnharmed(guest);
    await receiving.nextDropped();
    await receiving.expectServesNext();
  });
});

describe.concurrent('a migration that failed', () => {
  it('can be tried again with another tracker', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 8 * MIB });
    for (const tracker of TRACKER_KINDS) {
      const options = {
        strategy: 'pre-copy',
        maxRounds: 1,
        otherwise: 'abort',
        downtimeBudgetMs: 0,
        // Long enough that the guest writes in every round, also when others have the cores.
        bandwidthBytesPerSecond: 32 * MIB,
      } as const;
      const error = await failureOf(migrate(guest, receiving.port, { ...options, tracker }));
      expect(['NOT_CONVERGING', 'UNSUPPORTED']).toContain(error.code);
      await expectUnharmed(guest);
    }
    expect(await migrate(guest, receiving.port, { strategy: 'hybrid' })).toMatchObject({
      guestVerified: true,
    });
  });
});
