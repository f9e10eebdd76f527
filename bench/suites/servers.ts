// Guests from life: what real servers write under load, migrated by each strategy.
import { STRATEGY_NAMES } from '#engine/index.js';
import type { Suite } from '../lib/scenario.js';
import type { Server } from '../lib/server-trace.js';
import { serverScenario } from '../scenarios/server.js';

function suiteOf(server: Server, title: string): Suite {
  return {
    name: server,
    title,
    scenarios: STRATEGY_NAMES.map((strategy) => serverScenario(server, strategy)),
  };
}

export const suites: readonly Suite[] = [
  suiteOf('redis', 'a guest that writes what redis wrote under load, by each strategy'),
  suiteOf('postgres', 'a guest that writes what PostgreSQL wrote under load, by each strategy'),
];
