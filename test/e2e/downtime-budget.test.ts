/** Pre-copy keeps the downtime budget that it was given, whatever the pages hold, or says that and why it did not. */
import { describe, expect, it } from 'vitest';
import { migrate, Receiving } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';

/** Most pages hold zeros only, and those that are written do not. */
async function mostlyZero(options: { workingSetBytes: number; writesPerSecond: number }) {
  const guest = await startGuest({
    workload: 'sequential',
    memoryBytes: 256 * MIB,
    fill: { kind: 'zero' },
    writeBytes: 4096,
    ...options,
  });
  await guest.memory.prefault();
  return guest;
}

describe('pre-copy of a guest whose pages are mostly zero', () => {
  it('does not take the zero pages for a sign of a fast link', async () => {
    const receiving = await Receiving.start();
    // Every round leaves 16 MiB dirty, which take a second at this rate, and never fit.
    const guest = await mostlyZero({ workingSetBytes: 16 * MIB, writesPerSecond: 100_000 });
    const report = await migrate(guest, receiving.port, {
      strategy: 'pre-copy',
      bandwidthBytesPerSecond: 16 * MIB,
      downtimeBudgetMs: 200,
      maxRounds: 2,
      otherwise: 'post-copy',
    });
    expect(report.guestVerified).toBe(true);
    expect(report.preCopy).toMatchObject({
      stoppedBecause: 'max-rounds',
      downtimeBudgetMs: 200,
    });
    expect(report.preCopy?.predictedDowntimeMs).toBeGreaterThan(200);
    expect(report.rounds[0]?.pagesZero).toBeGreaterThan(report.rounds[0]?.pagesRaw as number);
  });

  it('goes on until the rest fits, and says so', async () => {
    const receiving = await Receiving.start();
    const guest = await mostlyZero({ workingSetBytes: 16 * MIB, writesPerSecond: 500 });
    const report = await migrate(guest, receiving.port, {
      strategy: 'pre-copy',
      bandwidthBytesPerSecond: 32 * MIB,
      downtimeBudgetMs: 1000,
    });
    expect(report.preCopy).toMatchObject({ stoppedBecause: 'within-budget', budgetMet: true });
    expect(report.preCopy?.predictedDowntimeMs).toBeLessThanOrEqual(1000);
  });

  it('says that a budget was missed', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const report = await migrate(guest, receiving.port, {
      strategy: 'pre-copy',
      bandwidthBytesPerSecond: 16 * MIB,
      downtimeBudgetMs: 0,
      maxRounds: 1,
    });
    expect(report.preCopy).toMatchObject({
      stoppedBecause: 'max-rounds',
      downtimeBudgetMs: 0,
      budgetMet: false,
    });
  });
});
