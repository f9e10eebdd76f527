// A guest that sweeps a quarter of its memory at full speed: pre-copy would never end.
import { recordOf } from '../lib/migration-record.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { SampleContext, Scenario } from '../lib/scenario.js';
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

const MEMORY_BYTES = 2 ** 30;
const SWEPT_BYTES = 256 * 2 ** 20;
const OBSERVE_MS = 300;

function migration(strategy: 'post-copy' | 'hybrid', prepare: boolean): WorkloadMigration {
  return {
    guest: {
      kind: 'workload',
      options: {
        workload: 'sequential',
        memoryBytes: MEMORY_BYTES,
        workingSetBytes: SWEPT_BYTES,
        fill: { kind: 'random' },
      },
    },
    source: { strategy, observeMs: OBSERVE_MS },
    destination: { prepare },
    timeline: true,
  };
}

async function sweep(wanted: WorkloadMigration, label: string, context: SampleContext) {
  const run = await migrateOnce(wanted, context);
  return { run, record: recordOf(label, wanted, run) };
}

export const POST_COPY = migration('post-copy', true);
export const POST_COPY_COLD = migration('post-copy', false);
export const HYBRID = migration('hybrid', true);

const GUEST =
  'a guest with 1 GiB of random pages that writes 256 MiB of them in sequence, at full speed';
const MARKS =
  'A mark is every 0.1 ms, or after a page write that takes longer; the gap is the longest between two marks, from the start of the migration to its end. Time lost: what the guest did not do meanwhile, at its rate during 0.3 s before.';

interface PostCopy extends Case {
  readonly wanted: WorkloadMigration;
  readonly label: string;
  readonly how: string;
  readonly totalAtMost: number;
}

function postCopyScenario({ wanted, label, how, totalAtMost, ...of }: PostCopy): Scenario {
  return {
    name: of.key,
    neededBytes: 2 * MEMORY_BYTES,
    sampleSeconds: 4,
    mostRepetitions: 3,
    how: `Post-copy of ${GUEST}, ${how}. ${MARKS}`,
    rows: [row(of, ['', 'total migration time'], 'ms', totalAtMost), ...guestRows(of, 12)],
    async sample(context) {
      const { run, record } = await sweep(wanted, label, context);
      const { totalMs, faultLatencyUs } = run.report;
      return {
        rows: {
          [of.key]: { measured: totalMs, details: { faultLatencyUs } },
          ...guestFigures(of, run),
        },
        migrations: [record],
      };
    },
  };
}

export const sweptPostCopyScenario = postCopyScenario({
  key: 'swept-post-copy',
  title: '1 GiB, 256 MiB swept, post-copy, destination warm',
  wanted: POST_COPY,
  label: 'swept, post-copy',
  how: 'destination populated before',
  totalAtMost: 700,
});

export const sweptPostCopyColdScenario = postCopyScenario({
  key: 'swept-post-copy-cold',
  title: '1 GiB, 256 MiB swept, post-copy, destination cold',
  wanted: POST_COPY_COLD,
  label: 'swept, post-copy, cold',
  how: 'into a destination that has populated nothing',
  totalAtMost: 900,
});

const HYBRID_CASE: Case = {
  key: 'swept-hybrid',
  title: '1 GiB, 256 MiB swept, hybrid over a link of 1 Gbit/s',
};

export const sweptHybridScenario: Scenario = {
  name: HYBRID_CASE.key,
  neededBytes: 2 * MEMORY_BYTES,
  link: GIGABIT,
  mostRepetitions: 2,
  warmUp: false,
  sampleSeconds: 15,
  how: `Hybrid migration of ${GUEST}, at most twice, destination populated before. ${GIGABIT_HOW} ${MARKS}`,
  rows: [
    row(HYBRID_CASE, ['', 'total migration time'], 's'),
    ...guestRows(HYBRID_CASE, 40),
    ...gigabitRows(HYBRID_CASE),
  ],
  async sample(context) {
    const { run, record } = await sweep(HYBRID, 'swept, hybrid', context);
    return {
      rows: {
        [HYBRID_CASE.key]: { measured: run.report.totalMs / 1000 },
        ...guestFigures(HYBRID_CASE, run),
        ...gigabitFigures(HYBRID_CASE, run.report),
      },
      migrations: [record],
    };
  },
};
