// A guest that writes all of its memory at random while it comes: nearly every write is a demand fault.
import { recordOf } from '../lib/migration-record.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { Scenario } from '../lib/scenario.js';
import { GIGABIT } from '../links/gigabit.js';
import {
  type Case,
  GIGABIT_HOW,
  gigabitFigures,
  gigabitRows,
  guestFigures,
  guestRows,
  row,
} from './felt.js';

const MEMORY_BYTES = 512 * 2 ** 20;
const OBSERVE_MS = 300;

const MIGRATION: WorkloadMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'uniform', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'post-copy', observeMs: OBSERVE_MS },
  destination: { prepare: true },
  timeline: true,
};

const CASE: Case = {
  key: 'uniform-post-copy',
  title: '512 MiB written at random, post-copy over a link of 1 Gbit/s',
};

export const uniformPostCopyScenario: Scenario = {
  name: CASE.key,
  neededBytes: 2 * MEMORY_BYTES,
  link: GIGABIT,
  mostRepetitions: 2,
  warmUp: false,
  sampleSeconds: 8,
  how: `Post-copy of a guest with 512 MiB of random pages, one thread of which writes pages of all of it in random order, at full speed; at most twice, destination populated before. ${GIGABIT_HOW} QEMU stands beside it nowhere: it tells no latency of single faults.`,
  rows: [
    row(CASE, ['', 'total migration time'], 's'),
    ...guestRows(CASE, 40),
    ...gigabitRows(CASE),
  ],
  async sample(context) {
    const run = await migrateOnce(MIGRATION, context);
    return {
      rows: {
        [CASE.key]: { measured: run.report.totalMs / 1000 },
        ...guestFigures(CASE, run),
        ...gigabitFigures(CASE, run.report),
      },
      migrations: [recordOf('written at random, post-copy', MIGRATION, run)],
    };
  },
};
