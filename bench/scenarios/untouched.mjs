// What size alone costs: a guest that never touched its memory.
import { migrateOnce } from '../lib/pair.mjs';

const MEMORY_BYTES = 4 * 2 ** 30;

export const untouchedScenario = {
  name: 'untouched',
  neededBytes: 2 ** 30,
  how: 'Pre-copy of an idle guest of 4 GiB, all holes, in two fresh processes. Total migration time.',
  rows: [
    {
      key: 'untouched',
      title: '4 GiB untouched, total migration time',
      unit: 'ms',
      target: { figure: 'measured', below: 100 },
    },
  ],
  async sample() {
    const { report } = await migrateOnce({
      guest: {
        kind: 'workload',
        options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'zero' } },
      },
      source: { strategy: 'pre-copy' },
    });
    return {
      untouched: {
        measured: report.totalMs,
        details: {
          downtimeMs: report.downtimeMs,
          roundsMs: report.rounds.map(({ ms }) => ms),
          pagesSent: report.pagesSent,
          wireBytes: report.wireBytes,
        },
      },
    };
  },
};
