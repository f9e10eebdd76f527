// How much slower the guest is while pre-copy runs beside it.
import { probe, TRACKER_KINDS, type TrackerKind } from '#engine/index.js';
import { recordOf } from '../lib/migration-record.js';
import { migrateOnce, type WantedMigration } from '../lib/pair.js';
import type { Figure, MigrationRecord, SampleContext, Scenario } from '../lib/scenario.js';
import type { Timeline } from '../result/schema.js';

const MEMORY_BYTES = 64 * 2 ** 20;
const WORKING_SET_BYTES = 32 * 2 ** 20;
const GBIT_BYTES_PER_SECOND = 125_000_000;
const MOST_ROUNDS = 2;
const SPEED_MS = 1000;

function migration(tracker: TrackerKind): WantedMigration {
  return {
    guest: {
      kind: 'workload',
      options: {
        workload: 'uniform',
        memoryBytes: MEMORY_BYTES,
        workingSetBytes: WORKING_SET_BYTES,
        fill: { kind: 'random' },
      },
    },
    source: {
      strategy: 'pre-copy',
      tracker,
      bandwidthBytesPerSecond: GBIT_BYTES_PER_SECOND / 2,
      maxRounds: MOST_ROUNDS,
    },
    timeline: true,
    speedMs: SPEED_MS,
  };
}

/** Operations per second from the first round's begin to the last one's end. */
function speedDuringRounds({ source, rounds }: Timeline): number {
  const [fromMs, untilMs] = [rounds[0]?.startMs ?? 0, rounds.at(-1)?.endMs ?? 0];
  const within = source.flatMap(({ atMs, operations }) =>
    operations !== null && atMs >= fromMs && atMs <= untilMs ? [{ atMs, operations }] : [],
  );
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no round was watched');
  return ((last.operations - first.operations) / (last.atMs - first.atMs)) * 1000;
}

/** Why this tracker is not to be had here, or undefined. */
function missing(tracker: TrackerKind): string | undefined {
  const capability = probe('shared').capabilities.find(({ name }) => name === tracker);
  return capability === undefined || capability.available ? undefined : capability.reason;
}

async function measure(tracker: TrackerKind, context: SampleContext) {
  const wanted = migration(tracker);
  const run = await migrateOnce(wanted, context);
  const alone = run.source.opsPerSecond;
  if (alone === null || run.timeline === null) throw new Error('the guest was not watched');
  const beside = speedDuringRounds(run.timeline);
  const lost = (1 - beside / alone) * 100;
  const details = { opsPerSecondAlone: alone, opsPerSecondBeside: beside };
  return {
    row: { measured: lost, details },
    record: recordOf(`full speed, ${tracker}`, wanted, run, { tracker }),
  };
}

function scenario(name: string, trackers: readonly TrackerKind[]): Scenario {
  return {
    name,
    neededBytes: 2 * MEMORY_BYTES,
    mostRepetitions: 3,
    warmUp: false,
    sampleSeconds: 3 * trackers.length,
    how: `A guest with one thread that writes 32 of its 64 MiB at full speed, in random order. Its operations per second during two rounds of pre-copy, held at half of 1 Gbit/s, beside those of the ${SPEED_MS} ms before the migration. Only time in the rounds counts.`,
    rows: trackers.map((tracker) => ({
      key: `${name}-${tracker}`,
      title: `Guest’s throughput lost while pre-copy runs at 500 Mbit/s, ${tracker}`,
      unit: '%',
      better: 'lower',
      target: { figure: 'measured', atMost: 10 },
    })),
    async sample(context) {
      const rows: Record<string, Figure> = {};
      const migrations: MigrationRecord[] = [];
      for (const tracker of trackers) {
        const reason = missing(tracker);
        if (reason !== undefined) {
          rows[`${name}-${tracker}`] = { skipped: reason };
          continue;
        }
        const { row, record } = await measure(tracker, context);
        rows[`${name}-${tracker}`] = row;
        migrations.push(record);
      }
      return { rows, migrations };
    },
  };
}

/** With the tracker that a migration takes by itself. */
export const slowdownScenario = scenario('slowdown', [probe('shared').tracker]);
export const trackersSlowdownScenario = scenario('slowdown-trackers', TRACKER_KINDS);
