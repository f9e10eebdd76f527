/** Two processes of one boot that read different clocks, because one of them is in a time namespace of its own. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../src/metrics/report.js';
import { Receiving, sourceFor } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';
import { Host } from '../support/hosts.js';

/** Eleven days ahead. */
const AHEAD_S = 1_000_000;
const APART = [
  'unshare',
  '--time',
  '--boottime',
  String(AHEAD_S),
  '--monotonic',
  String(AHEAD_S),
  '--fork',
  '--kill-child',
];

/** Why there can be none here; undefined when there can. */
function obstacle(): string | undefined {
  const [program = '', ...args] = APART;
  const { status, error, stderr } = spawnSync(program, [...args, 'true'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim();
}

const reason = obstacle();
const STRATEGIES = ['stop-and-copy', 'post-copy'] as const;

function expectSane(report: MigrationReport): void {
  expect(report).toMatchObject({
    outcome: 'completed',
    guestVerified: true,
    // Estimated, and never with the error 0 that a shared clock has.
    clock: 'estimated',
  });
  expect(report.clockErrorMs).toBeGreaterThan(0);
  expect(report.clockErrorMs).toBeLessThan(1000);
  expect(report.downtimeMs).toBeGreaterThan(-report.clockErrorMs);
  expect(report.downtimeMs).toBeLessThan(report.totalMs + report.clockErrorMs);
  expect(report.guest?.longestGapMs).toBeGreaterThan(0);
  expect(report.guest?.longestGapMs).toBeLessThan(60_000);
}

describe.skipIf(reason !== undefined)(
  `in a time namespace of its own${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    it.each(STRATEGIES)('a destination’s clock is compared (%s)', async (strategy) => {
      const there = await Host.start(APART);
      const guest = await startGuest({ memoryBytes: 2 * MIB });
      const source = sourceFor(guest, await there.listen(), { strategy });
      expectSane(await source.migrate());
    });

    it.each(STRATEGIES)('a source’s clock is compared (%s)', async (strategy) => {
      const receiving = await Receiving.start();
      const here = await Host.start(APART);
      const guest = await here.createGuest({ workload: 'uniform', memoryBytes: 2 * MIB });
      const { report } = await here.migrate(guest, {
        host: '127.0.0.1',
        port: receiving.port,
        strategy,
        verify: true,
      });
      expectSane(report);
    });
  },
);

it('a destination in the same one shares the clock', async () => {
  const there = await Host.start();
  const guest = await startGuest({ memoryBytes: 2 * MIB });
  const report = await sourceFor(guest, await there.listen()).migrate();
  expect(report).toMatchObject({ clock: 'shared', clockErrorMs: 0 });
});
