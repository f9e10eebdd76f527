// What the switchover itself costs, when there is nothing left to send.
import { migrateOnce } from '../lib/pair.mjs';
import { bareRoundTrip } from '../lib/round-trip.mjs';

const MEMORY_BYTES = 2 ** 30;

export const switchoverScenario = {
  name: 'switchover',
  neededBytes: 2 * MEMORY_BYTES,
  how: 'Pre-copy of an idle guest of 1 GiB, all populated, in two fresh processes, so that nothing of it has run before. Downtime: from pause on the source to first run on the destination. The protocol needs two round trips for it.',
  rows: [
    {
      key: 'switchover',
      title: 'Switchover with nothing dirty, 1 GiB populated: downtime',
      unit: 'ms',
      baseline: 'two bare TCP round trips',
      target: { figure: 'measured', atMost: 5 },
    },
  ],
  async sample() {
    const bare = await bareRoundTrip({ count: 5000 });
    const { report } = await migrateOnce({
      guest: {
        kind: 'workload',
        options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
      },
      source: { strategy: 'pre-copy', verify: true },
      destination: { prefault: true },
    });
    return {
      switchover: {
        measured: report.downtimeMs,
        baseline: (2 * bare.p50Us) / 1000,
        details: { downtimeParts: report.downtimeParts },
      },
    };
  },
};
