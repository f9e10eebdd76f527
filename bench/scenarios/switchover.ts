// What the switchover itself costs, when there is nothing left to send.
import { recordOf } from '../lib/migration-record.js';
import { migrateOnce, type WantedMigration } from '../lib/pair.js';
import { bareRoundTrip } from '../lib/round-trip.js';
import type { Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 2 ** 30;

const MIGRATION: WantedMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy' },
  destination: { prepare: true },
};

export const switchoverScenario: Scenario = {
  name: 'switchover',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 3,
  mostRepetitions: 4,
  how: 'Pre-copy of an idle guest of 1 GiB, all populated, in two fresh processes, so that nothing of it has run before. Downtime: from pause on the source to first run on the destination. The protocol needs two round trips for it.',
  rows: [
    {
      key: 'switchover',
      title: 'Switchover with nothing dirty, 1 GiB populated: downtime',
      unit: 'ms',
      better: 'lower',
      baseline: 'two bare TCP round trips',
      target: { figure: 'measured', atMost: 1.5 },
    },
  ],
  async sample(context) {
    const bare = await bareRoundTrip({ count: 1000, signal: context.signal });
    const run = await migrateOnce(MIGRATION, context);
    return {
      rows: {
        switchover: {
          measured: run.report.downtimeMs,
          baseline: (2 * bare.p50Us) / 1000,
          details: { downtimeParts: run.report.downtimeParts },
        },
      },
      migrations: [recordOf('1 GiB idle', MIGRATION, run)],
    };
  },
};
