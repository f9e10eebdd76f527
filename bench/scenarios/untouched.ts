// What size alone costs: guests whose memory holds nothing, untouched or touched.
import { recordOf } from '../lib/migration-record.js';
import { runNative } from '../lib/native.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 4 * 2 ** 30;
const READ_BYTES = 2 ** 30;

export const UNTOUCHED: WorkloadMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'zero' } },
  },
  source: { strategy: 'pre-copy' },
};
export const TOUCHED: WorkloadMigration = {
  ...UNTOUCHED,
  guest: { ...UNTOUCHED.guest, populate: true },
};

export const untouchedScenario: Scenario = {
  name: 'untouched',
  neededBytes: 2 ** 30,
  sampleSeconds: 0.5,
  how: 'Pre-copy of an idle guest of 4 GiB, all holes, in two fresh processes. Total migration time.',
  rows: [
    {
      key: 'untouched',
      title: '4 GiB untouched: total migration time',
      unit: 'ms',
      better: 'lower',
      target: { figure: 'measured', atMost: 25 },
    },
  ],
  async sample(context) {
    const run = await migrateOnce(UNTOUCHED, context);
    const { totalMs, downtimeMs, wireBytes } = run.report;
    return {
      rows: { untouched: { measured: totalMs, details: { downtimeMs, wireBytes } } },
      migrations: [recordOf('4 GiB untouched', UNTOUCHED, run)],
    };
  },
};

export const touchedZeroScenario: Scenario = {
  name: 'touched-zero',
  neededBytes: MEMORY_BYTES + 2 ** 30,
  sampleSeconds: 5,
  mostRepetitions: 3,
  how: 'Pre-copy of an idle guest of 4 GiB whose every page was populated and holds zeros. The rate is its memory over the total migration time; beside it one core reads 1 GiB of populated memory.',
  rows: [
    {
      key: 'touched-zero',
      title: '4 GiB touched, all zero: total migration time',
      unit: 'ms',
      better: 'lower',
      target: { figure: 'measured', atMost: 250 },
    },
    {
      key: 'touched-zero-rate',
      title: '4 GiB touched, all zero: its memory ÷ total migration time',
      unit: 'GB/s',
      better: 'higher',
      baseline: 'one core reading memory',
      target: { figure: 'ratio', atLeast: 0.7 },
    },
  ],
  async sample(context) {
    const read = await runNative('memory-read', ['--bytes', READ_BYTES], {
      signal: context.signal,
    });
    const run = await migrateOnce(TOUCHED, context);
    const { totalMs, downtimeMs, rounds } = run.report;
    return {
      rows: {
        'touched-zero': { measured: totalMs, details: { downtimeMs, rounds } },
        'touched-zero-rate': {
          measured: MEMORY_BYTES / totalMs / 1e6,
          baseline: read.bytes / read.seconds / 1e9,
        },
      },
      migrations: [recordOf('4 GiB touched, all zero', TOUCHED, run)],
    };
  },
};
