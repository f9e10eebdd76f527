// Which of a result's migrations a plot shows.
import type { Migration, Report, Stall } from '../result/schema.js';
import { byStrategy } from './strategy-names.js';

/** One that arrived: it tells how long it took. */
export type Completed = Migration & { readonly report: Report & { readonly totalMs: number } };

/** Groups in the order of their first items, none of them empty. */
export function groupBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Map<Key, Group<Item>> {
  const groups = new Map<Key, Group<Item>>();
  for (const item of items) {
    const key = keyOf(item);
    const known = groups.get(key);
    groups.set(key, known === undefined ? [item] : [...known, item]);
  }
  return groups;
}

export type Group<Item> = readonly [Item, ...Item[]];

/** Those that arrived, with what they told. */
export function completed(migrations: readonly Migration[]): Completed[] {
  return migrations.filter(isCompleted);
}

function isCompleted(migration: Migration): migration is Completed {
  const { report } = migration;
  return report?.outcome === 'completed' && report.totalMs !== null;
}

/** The stalls of the machine's cores that fall into the migration, wholly or in part. */
export function stallsDuring({ report, timeline }: Migration): Stall[] {
  const stalls = timeline?.stalls ?? [];
  return stalls.filter(({ atMs, ms }) => atMs + ms > 0 && atMs < (report?.totalMs ?? 0));
}

/**
 * Of all repetitions of one case the one whose total time is in the middle. Scenarios stay in their order, and within each
 * the strategies come in theirs: in what order they ran was drawn by chance.
 */
export function typical<One extends Completed>(migrations: readonly One[]): One[] {
  const cases = groupBy(migrations, ({ scenario, label }) => `${scenario}\n${label}`);
  const middles = [...cases.values()].flatMap((repetitions) => {
    const sorted = [...repetitions].sort((a, b) => a.report.totalMs - b.report.totalMs);
    return sorted[(sorted.length - 1) >> 1] ?? [];
  });
  const scenarios = groupBy(middles, ({ scenario }) => scenario);
  return [...scenarios.values()].flatMap((group) =>
    [...group].sort((a, b) => byStrategy(a.parameters.strategy, b.parameters.strategy)),
  );
}

/** At most `count` of them, from every scenario in turn, in their order. */
export function spreadOver<One extends Migration>(
  migrations: readonly One[],
  count: number,
): One[] {
  const queues = [...groupBy(migrations, ({ scenario }) => scenario).values()];
  const chosen = new Set<One>();
  for (let at = 0; chosen.size < Math.min(count, migrations.length); at += 1) {
    for (const queue of queues) {
      const next = queue[at];
      if (next !== undefined && chosen.size < count) chosen.add(next);
    }
  }
  return migrations.filter((migration) => chosen.has(migration));
}
