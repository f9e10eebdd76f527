// What a guest's size costs: populated pages, and holes.

import type { Arrived, Migrated } from '../agents/messages.js';
import { inTurn } from '../lib/in-turn.js';
import { recordOf } from '../lib/migration-record.js';
import { runNative } from '../lib/native.js';
import { type MigrationRun, migrateOnce, type WantedMigration } from '../lib/pair.js';
import type { Scenario, ScenarioRow } from '../lib/scenario.js';
import type { Target } from '../result/schema.js';

const GIB = 2 ** 30;

function row(
  key: string,
  title: string,
  unit: string,
  more: Pick<ScenarioRow, 'baseline' | 'target'> = {},
): ScenarioRow {
  return { key, title, unit, better: 'lower', ...more };
}

function idle(memoryBytes: number, fill: 'random' | 'zero', populate: boolean): WantedMigration {
  return {
    guest: {
      kind: 'workload',
      options: { workload: 'idle', memoryBytes, fill: { kind: fill } },
      populate,
    },
    source: { strategy: 'pre-copy' },
  };
}

/** One size of `fill`: random content, in both processes, or zeros, which only the source holds. */
function populatedScenario(gib: number, fill: 'random' | 'zero', target?: Target): Scenario {
  const memoryBytes = gib * GIB;
  const isZero = fill === 'zero';
  const name = `populated-${fill}-${gib}gib`;
  const title = `${gib} GiB populated, ${isZero ? 'all zero' : 'random'}`;
  const wanted = idle(memoryBytes, fill, isZero);
  return {
    name,
    neededBytes: isZero ? memoryBytes + GIB : 2 * memoryBytes,
    sampleSeconds: gib * 2,
    mostRepetitions: gib > 4 ? 3 : 5,
    how: `Pre-copy of an idle guest of ${gib} GiB, every page populated${isZero ? ' and zero, so that the destination needs no memory for it' : ''}. Time per GiB shows whether the total grows with the populated pages alone.`,
    rows: [
      row(`${name}-total`, `${title}: total migration time`, 'ms'),
      row(`${name}-per-gib`, `${title}: total migration time per GiB`, 'ms'),
      row(`${name}-downtime`, `${title}: downtime`, 'ms', { target }),
    ],
    async sample(context) {
      const run = await migrateOnce(
        { ...wanted, destination: { prepare: !isZero, overcommit: isZero } },
        context,
      );
      const { totalMs, downtimeMs, downtimeParts, rounds } = run.report;
      return {
        rows: {
          [`${name}-total`]: { measured: totalMs, details: { rounds } },
          [`${name}-per-gib`]: { measured: totalMs / gib },
          [`${name}-downtime`]: { measured: downtimeMs, details: { downtimeParts } },
        },
        migrations: [recordOf(title, wanted, run)],
      };
    },
  };
}

function sparse(memoryBytes: number): WantedMigration {
  return {
    guest: { kind: 'sparse', memoryBytes, populatedBytes: GIB },
    source: { strategy: 'pre-copy' },
  };
}

/** Resident memory of both sides, the guest's apart, page tables included. */
function bookkeepingBytes({ source, destination }: MigrationRun) {
  const of = ({ peakEngineBytes, memory }: Migrated | Arrived) =>
    (peakEngineBytes ?? 0) + memory.pageTableBytes;
  return { source: of(source), destination: of(destination) };
}

const SPARSE_BYTES = 1024 * GIB;
const WARM_BYTES = 3 * GIB;

export const sparseScenario: Scenario = {
  name: 'sparse-1tib',
  neededBytes: 4 * GIB,
  sampleSeconds: 5,
  how: 'Pre-copy of a guest of 1 TiB that holds 1 GiB of random bytes, in runs of 1 MiB spread evenly. Beside it the same bytes in a guest of 2 GiB, the order of the two alternating, 3 GiB of memory warmed before each. Metadata: the highest resident memory of the process without the guest’s, page tables included, less that of the guest of 2 GiB, over the region; the larger of the two sides counts.',
  rows: [
    row('sparse-total', '1 TiB, 1 GiB populated: total migration time', 'ms', {
      baseline: 'the same bytes in 2 GiB',
    }),
    row('sparse-metadata', '1 TiB, 1 GiB populated: metadata as a share of the region', '%', {
      target: { figure: 'measured', atMost: 0.01 },
    }),
  ],
  async sample(context) {
    const wanted = sparse(SPARSE_BYTES);
    const migrate = async (migration: WantedMigration) => {
      // Neither destination can populate 1 TiB ahead, and memory that the host has to provide first costs
      // more than the migration: what the last one let go is given back to the host within seconds.
      await runNative('warm-memory', [WARM_BYTES], { signal: context.signal });
      return await migrateOnce({ ...migration, peakMemory: true }, context);
    };
    const { small, run } = await inTurn(context, {
      small: () => migrate(sparse(2 * GIB)),
      run: () => migrate(wanted),
    });
    const [less, more] = [bookkeepingBytes(small), bookkeepingBytes(run)];
    const share = (side: 'source' | 'destination') =>
      ((more[side] - less[side]) / SPARSE_BYTES) * 100;
    const { totalMs, downtimeMs, rounds } = run.report;
    return {
      rows: {
        'sparse-total': {
          measured: totalMs,
          baseline: small.report.totalMs,
          details: { downtimeMs, rounds },
        },
        'sparse-metadata': {
          measured: Math.max(share('source'), share('destination')),
          details: { bytes: more, bytesOf2GiB: less },
        },
      },
      migrations: [recordOf('1 TiB, 1 GiB populated', wanted, run)],
    };
  },
};

export const populatedScenarios = [
  ...[1, 2, 4, 8].map((gib) => populatedScenario(gib, 'random')),
  ...[4, 8, 16].map((gib) =>
    populatedScenario(gib, 'zero', gib === 16 ? { figure: 'measured', atMost: 5 } : undefined),
  ),
];
