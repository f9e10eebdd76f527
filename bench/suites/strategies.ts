// Strategy × dirty rate ÷ link rate × working set × link × fill.
//
// The full product (--full) takes a day, so the suite is a main grid, strategy × ratio at 1 Gbit/s with
// random content, and axes through its centre, along each of which one factor alone changes. In each
// sample the four strategies migrate one after the other, in an order drawn anew from a fixed seed, so
// that none always comes first. Pre-copy that does not converge ends in its final round: that is a
// result.
import { type Fill, STRATEGY_NAMES } from '#engine/index.js';
import { inDrawnOrder } from '../lib/drawn-order.js';
import type { Figure, MigrationRecord, Scenario, Suite } from '../lib/scenario.js';
import {
  migrateAsWanted,
  migrationFigures,
  migrationRows,
  type Wanted,
} from '../scenarios/migration.js';

const MIB = 2 ** 20;
const MEMORY = 128 * MIB;
/** Below this many bytes per second one migration takes longer than ten seconds. */
const SLOW_LINK = 20e6;

const RATIOS = [0, 0.25, 0.5, 0.9, 1.1, 2];
const WORKING_SETS = [16 * MIB, 64 * MIB, 128 * MIB];
const LINKS = { '100mbit': 12.5e6, '1gbit': 125e6, '10gbit': 1.25e9, unlimited: 0 };
const FILLS = {
  zero: { kind: 'zero' },
  text: { kind: 'text' },
  random: { kind: 'random' },
  // The bench itself: a Node.js process.
  process: { kind: 'process', pid: process.pid },
} satisfies Record<string, Fill>;

const LINK_NAMES = Object.keys(LINKS) as LinkName[];
const FILL_NAMES = Object.keys(FILLS) as FillName[];
type LinkName = keyof typeof LINKS;
type FillName = keyof typeof FILLS;

interface Point {
  readonly ratio: number;
  readonly workingSet: number;
  readonly link: LinkName;
  readonly fill: FillName;
}
const CENTRE: Point = { ratio: 0.5, workingSet: 64 * MIB, link: '1gbit', fill: 'random' };

function describe({ ratio, workingSet, link, fill }: Point): string {
  return `dirty ratio ${ratio}, ${workingSet / MIB} MiB written, ${link}, ${fill}`;
}

function strategiesScenario(name: string, point: Point): Scenario {
  const bandwidth = LINKS[point.link];
  const isSlow = bandwidth > 0 && bandwidth < SLOW_LINK;
  const wanted: Omit<Wanted, 'strategy'> = {
    memory: MEMORY,
    workload: 'sequential',
    workingSet: point.workingSet,
    dirtyRatio: point.ratio,
    fill: FILLS[point.fill],
    bandwidth,
    compression: 'raw',
  };
  return {
    name,
    neededBytes: 2 * MEMORY,
    warmUp: !isSlow,
    ...(isSlow ? { mostRepetitions: 2 } : {}),
    sampleSeconds: isSlow ? 100 : 15,
    how: `A guest of 128 MiB that writes its working set in sequence: ${describe(point)}. All four strategies, in an order drawn from a fixed seed.`,
    rows: STRATEGY_NAMES.flatMap((strategy) =>
      migrationRows(strategy, `${strategy}, ${describe(point)}`),
    ),
    async sample(context) {
      const rows: Record<string, Figure> = {};
      const migrations: MigrationRecord[] = [];
      for (const strategy of inDrawnOrder(STRATEGY_NAMES, name, context.repetition)) {
        const label = `${strategy}, ${describe(point)}`;
        const { report, record } = await migrateAsWanted(label, { ...wanted, strategy }, context);
        Object.assign(rows, migrationFigures(strategy, report));
        migrations.push(record);
      }
      return { rows, migrations };
    },
  };
}

function axis<Factor extends keyof Point>(
  factor: Factor,
  values: readonly Point[Factor][],
  nameOf: (value: Point[Factor]) => string,
): Scenario[] {
  return values
    .filter((value) => value !== CENTRE[factor])
    .map((value) => strategiesScenario(nameOf(value), { ...CENTRE, [factor]: value }));
}

function product(): Scenario[] {
  return RATIOS.flatMap((ratio) =>
    WORKING_SETS.flatMap((workingSet) =>
      LINK_NAMES.flatMap((link) =>
        FILL_NAMES.map((fill) => {
          const name = `ratio-${ratio}-wss-${workingSet / MIB}mib-${link}-${fill}`;
          return strategiesScenario(name, { ratio, workingSet, link, fill });
        }),
      ),
    ),
  );
}

export const suite: Suite = {
  name: 'strategies',
  title: 'each strategy against dirty rate, working set, link and content',
  scenarios: [
    ...RATIOS.map((ratio) => strategiesScenario(`ratio-${ratio}`, { ...CENTRE, ratio })),
    ...axis('workingSet', WORKING_SETS, (bytes) => `wss-${bytes / MIB}mib`),
    ...axis('link', LINK_NAMES, (link) => `link-${link}`),
    ...axis('fill', FILL_NAMES, (fill) => `fill-${fill}`),
  ],
  full: product(),
};
