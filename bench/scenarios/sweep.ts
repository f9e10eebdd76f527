// A guest that sweeps a quarter of its memory at full speed: pre-copy would never end.
import { recordOf } from '../lib/migration-record.js';
import { type MigrationRun, migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { Figure, SampleContext, Scenario, ScenarioRow } from '../lib/scenario.js';

const MEMORY_BYTES = 2 ** 30;
const SWEPT_BYTES = 256 * 2 ** 20;
const GBIT_BYTES_PER_SECOND = 125_000_000;
const OBSERVE_MS = 300;

function migration(
  strategy: 'post-copy' | 'hybrid',
  bandwidthBytesPerSecond?: number,
): WorkloadMigration {
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
    source: {
      strategy,
      observeMs: OBSERVE_MS,
      ...(bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }),
    },
    destination: { prepare: true },
    timeline: true,
  };
}

function row(key: string, title: string, unit: string, atMost: number): ScenarioRow {
  return { key, title, unit, better: 'lower', target: { figure: 'measured', atMost } };
}

/** The row of the longest gap. */
function gapFigure({ report: { guest }, destination: { gapsMs } }: MigrationRun): Figure {
  if (guest === null) return { measured: null };
  const { longestGapMs, opsPerSecondBefore, opsPerSecondDuring } = guest;
  const details = { longestGapMs, gapsMs, opsPerSecondBefore, opsPerSecondDuring };
  return { measured: longestGapMs, details };
}

async function sweep(wanted: WorkloadMigration, label: string, { signal, link }: SampleContext) {
  const run = await migrateOnce({ ...wanted, signal, link });
  return { ...run, record: recordOf(label, wanted, run) };
}

export const POST_COPY = migration('post-copy');
export const HYBRID = migration('hybrid', GBIT_BYTES_PER_SECOND);

export const sweptPostCopyScenario: Scenario = {
  name: 'swept-post-copy',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 4,
  mostRepetitions: 3,
  how: 'Post-copy of a guest with 1 GiB of random pages that writes 256 MiB of them in sequence, at full speed, destination populated before. A mark is every 0.1 ms, or after a page write that takes longer; the gap is the longest between two marks, from the start of the migration to its end.',
  rows: [
    row('swept-post-copy', '1 GiB, 256 MiB swept, post-copy: total migration time', 'ms', 700),
    row('swept-post-copy-gap', 'The same: longest gap between marks', 'ms', 12),
  ],
  async sample(context) {
    const { record, ...run } = await sweep(POST_COPY, 'swept, post-copy', context);
    const { totalMs, faultLatencyUs } = run.report;
    return {
      rows: {
        'swept-post-copy': { measured: totalMs, details: { faultLatencyUs } },
        'swept-post-copy-gap': gapFigure(run),
      },
      migrations: [record],
    };
  },
};

export const sweptHybridScenario: Scenario = {
  name: 'swept-hybrid',
  neededBytes: 2 * MEMORY_BYTES,
  mostRepetitions: 2,
  warmUp: false,
  sampleSeconds: 13,
  how: 'The same guest by hybrid at 1 Gbit/s (the engine’s own rate limit), at most twice. The limit does not hold back pages that the guest waits for. Fault latency: from the moment the fault handler reads the fault until the thread is awake.',
  rows: [
    row('swept-hybrid', 'The same, hybrid at 1 Gbit/s: total migration time', 's', 10.5),
    row('swept-hybrid-gap', 'The same: longest gap between marks', 'ms', 40),
    row('swept-hybrid-fault-p99', 'The same: fault latency, p99', 'ms', 2),
    row('swept-hybrid-fault-max', 'The same: fault latency, max', 'ms', 10),
  ],
  async sample(context) {
    const { record, ...run } = await sweep(HYBRID, 'swept, hybrid', context);
    const { totalMs, faultLatencyUs } = run.report;
    return {
      rows: {
        'swept-hybrid': { measured: totalMs / 1000, details: { faultLatencyUs } },
        'swept-hybrid-gap': gapFigure(run),
        'swept-hybrid-fault-p99': { measured: faultLatencyUs.p99 / 1000 },
        'swept-hybrid-fault-max': { measured: faultLatencyUs.max / 1000 },
      },
      migrations: [record],
    };
  },
};
