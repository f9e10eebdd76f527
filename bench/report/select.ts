// Which of a result's migrations a plot shows.

export function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summary(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Those that arrived, with what they told. */
export function completed(migrations) {
  return migrations.filter(({ report }) => report?.outcome === 'completed');
}

/** The stalls of the machine's cores that fall into the migration, wholly or in part. */
export function stallsDuring({ report, timeline }) {
  const stalls = timeline?.stalls ?? [];
  return stalls.filter(({ atMs, ms }) => atMs + ms > 0 && atMs < (report?.totalMs ?? 0));
}

/** Of all repetitions of one case the one whose total time is in the middle. */
export function typical(migrations) {
  const cases = groupBy(migrations, ({ scenario, label }) => `${scenario}\n${label}`);
  return [...cases.values()].map((repetitions) => {
    const sorted = [...repetitions].sort((a, b) => a.report.totalMs - b.report.totalMs);
    return sorted[(sorted.length - 1) >> 1];
  });
}

/** At most `count` of them, from every scenario in turn, in their order. */
export function spreadOver(migrations, count) {
  const queues = [...groupBy(migrations, ({ scenario }) => scenario).values()];
  const chosen = new Set();
  for (let at = 0; chosen.size < Math.min(count, migrations.length); at += 1) {
    for (const queue of queues) {
      if (at < queue.length && chosen.size < count) chosen.add(queue[at]);
    }
  }
  return migrations.filter((migration) => chosen.has(migration));
}
