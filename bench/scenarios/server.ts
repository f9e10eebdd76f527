// A guest that writes the pages a real server wrote under load.
import { type Fill, memoryForTrace, readTrace, type StrategyName } from '#engine/index.js';
import type { Scenario } from '../lib/scenario.js';
import { type Server, serverTrace } from '../lib/server-trace.js';
import { migrateAsWanted, migrationFigures, migrationRows } from './migration.js';

const GBIT_BYTES_PER_SECOND = 125_000_000;
/** The servers have about 150 MB of data; what else they occupy is less than that again. */
const MOST_MEMORY = 512 * 2 ** 20;
const FILL: Fill = { kind: 'random' };

const TITLES: Readonly<Record<Server, string>> = {
  redis: 'redis under redis-benchmark',
  postgres: 'a PostgreSQL backend under pgbench',
};

export function serverScenario(server: Server, strategy: StrategyName): Scenario {
  const name = `${server}-${strategy}`;
  const title = `${TITLES[server]}, ${strategy} at 1 Gbit/s`;
  return {
    name,
    neededBytes: 2 * MOST_MEMORY,
    sampleSeconds: 8,
    how: `A guest that replays a trace of ${TITLES[server]}, recorded once on this machine by scripts/trace-server.mjs and kept: each page is written in the interval in which the server wrote it. The guest has as many pages as the trace, of random content. One migration by ${strategy}, at 1 Gbit/s (the engine’s own rate limit), destination populated before.`,
    rows: migrationRows(name, title),
    async sample(context) {
      const path = await serverTrace(server, context);
      const wanted = {
        memory: memoryForTrace(await readTrace(path), FILL),
        strategy,
        workload: { kind: 'trace', path },
        fill: FILL,
        bandwidth: GBIT_BYTES_PER_SECOND,
        compression: 'raw',
      } as const;
      const { report, record } = await migrateAsWanted(name, wanted, context);
      return { rows: migrationFigures(name, report), migrations: [record] };
    },
  };
}
