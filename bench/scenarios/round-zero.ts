// How fast pages travel: round 0 beside a plain send/recv of as many random bytes.
import { inTurn } from '../lib/in-turn.js';
import { recordOf } from '../lib/migration-record.js';
import { runNative } from '../lib/native.js';
import { type MigrationRun, migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { SampleContext, Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 2 * 2 ** 30;

export const IDLE_RANDOM: WorkloadMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy' },
  destination: { prepare: true },
};

/** Into a destination that has populated nothing. */
export const IDLE_RANDOM_COLD: WorkloadMigration = {
  ...IDLE_RANDOM,
  destination: { prepare: false },
};

/** GB/s of a plain send/recv of as many random bytes. */
export async function plainRate(signal: AbortSignal): Promise<number> {
  const args = ['--bytes', MEMORY_BYTES, '--congestion', 'cubic'];
  const { bytes, seconds } = await runNative('tcp-stream', args, { signal });
  return bytes / seconds / 1e9;
}

async function roundZero(context: SampleContext) {
  const run = await migrateOnce(IDLE_RANDOM, context);
  const [round] = run.report.rounds;
  if (round === undefined) throw new Error('there was no round');
  if (round.pages * 4096 !== MEMORY_BYTES || round.wireBytes < MEMORY_BYTES) {
    throw new Error(
      `round 0 sent ${round.pages} pages in ${round.wireBytes} bytes, not all in full`,
    );
  }
  return { rate: MEMORY_BYTES / (round.ms / 1000) / 1e9, roundMs: round.ms, run };
}

/** GB/s of the guest's memory over the whole migration, the destination's populating included. */
function wholeRate({ report: { totalMs } }: MigrationRun): number {
  return MEMORY_BYTES / totalMs / 1e6;
}

export const roundZeroScenario: Scenario = {
  name: 'round-0',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 9,
  mostRepetitions: 3,
  // Both sides’ memory is touched right before each sample.
  warmUp: false,
  how: 'Pre-copy of an idle guest, default channels. Destination warm: it has memory for the guest populated before the migration begins, and so has the baseline; both fill their source memory right before. A round ends when the destination has confirmed its last page, the baseline with a byte back. Destination cold: it has populated nothing, so the rate is that of the whole migration, beside that of the whole migration to the warm one. The three in this order or the opposite, alternating. CPU seconds: both processes, from migrate() until the guest has arrived.',
  rows: [
    {
      key: 'round-0',
      title: 'Round 0 of 2 GiB of random pages, destination warm',
      unit: 'GB/s',
      better: 'higher',
      baseline: 'plain send/recv, same congestion control (cubic)',
      target: { figure: 'ratio', atLeast: 0.92 },
    },
    {
      key: 'round-0-cold',
      title: '2 GiB idle, random, destination cold: rate of the whole migration',
      unit: 'GB/s',
      better: 'higher',
      baseline: 'the same, destination warm',
      target: { figure: 'ratio', atLeast: 0.8 },
    },
    {
      key: 'idle-downtime',
      title: '2 GiB idle, random, destination warm: downtime',
      unit: 'ms',
      better: 'lower',
      target: { figure: 'measured', atMost: 3 },
    },
    {
      key: 'idle-cpu',
      title: '2 GiB idle, random, destination warm: CPU time of both sides',
      unit: 's',
      better: 'lower',
    },
  ],
  async sample(context) {
    const got = await inTurn(context, {
      plain: async () => plainRate(context.signal),
      ours: async () => roundZero(context),
      cold: async () => migrateOnce(IDLE_RANDOM_COLD, context),
    });
    const { rate, roundMs, run: migration } = got.ours;
    const { report, source, destination } = migration;
    const details = { channels: report.channels, roundMs, totalMs: report.totalMs };
    return {
      rows: {
        'round-0': { measured: rate, baseline: got.plain, details },
        'round-0-cold': {
          measured: wholeRate(got.cold),
          baseline: wholeRate(migration),
          details: { totalMs: got.cold.report.totalMs },
        },
        'idle-downtime': { measured: report.downtimeMs, details: report.downtimeParts },
        'idle-cpu': { measured: (source.cpuMs + destination.cpuMs) / 1000 },
      },
      migrations: [
        recordOf('idle 2 GiB, random', IDLE_RANDOM, migration),
        recordOf('idle 2 GiB, random, cold', IDLE_RANDOM_COLD, got.cold),
      ],
    };
  },
};
