// Many migrations at once into one destination.
import type { Migrated } from '../agents/messages.js';
import { migrateMany, type WantedMigration } from '../lib/pair.js';
import type { Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 128 * 2 ** 20;
/** What a Node.js process occupies beside its guest. */
const PROCESS_BYTES = 64 * 2 ** 20;

const MIGRATION: WantedMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy', channels: 1 },
  destination: { prepare: true },
};

/** From the first one's begin to the last one's end: all began within a moment of each other. */
function togetherMs(sources: readonly Migrated[]): number {
  return Math.max(...sources.map(({ report }) => report.totalMs));
}

/** Null where one of them is unknown. */
function longest(times: readonly (number | null)[]): number | null {
  const known = times.filter((ms) => ms !== null);
  return known.length < times.length ? null : Math.max(...known);
}

function manyScenario(count: number): Scenario {
  const name = `at-once-${count}`;
  const title = `${count} migration${count === 1 ? '' : 's at once'}`;
  return {
    name,
    neededBytes: count * (2 * MEMORY_BYTES + PROCESS_BYTES),
    sampleSeconds: 1 + count / 4,
    how: `${title} of idle guests of 128 MiB, random, one page channel each, from as many processes into one destination. The rate is all guests’ memory over the longest total migration time.`,
    rows: [
      {
        key: `${name}-rate`,
        title: `${title} into one destination: rate`,
        unit: 'GB/s',
        better: 'higher',
      },
      {
        key: `${name}-downtime`,
        title: `${title} into one destination: longest downtime`,
        unit: 'ms',
        better: 'lower',
      },
    ],
    async sample(context) {
      const { sources } = await migrateMany(count, MIGRATION, context);
      const totalMs = sources.map(({ report }) => report.totalMs);
      const downtimeMs = sources.map(({ report }) => report.downtimeMs);
      return {
        rows: {
          [`${name}-rate`]: {
            measured: (count * MEMORY_BYTES) / togetherMs(sources) / 1e6,
            details: { totalMs },
          },
          [`${name}-downtime`]: { measured: longest(downtimeMs), details: { downtimeMs } },
        },
      };
    },
  };
}

export const manyScenarios = [1, 2, 4, 8, 16, 32].map(manyScenario);
