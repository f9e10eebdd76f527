// Which migrations may be drawn in one figure: they differ in their strategy and in one factor, and in nothing else.
import type { Migration } from '../result/schema.js';
import { bytes, linkRate } from './format.js';
import { type Completed, type Group, groupBy } from './select.js';

type Parameters = Migration['parameters'];

export interface Factor {
  /** As in “against the …”. */
  readonly title: string;
  readonly axis: string;
  /** Its values stand in an order, so that a line from one to the next means something. */
  readonly isOrdered: boolean;
  readonly of: (parameters: Parameters) => number | string;
  /** The value on the axis. */
  readonly text: (parameters: Parameters) => string;
  /** The value where it is the same for all. */
  readonly common: (parameters: Parameters) => string;
}

const DIRTY_RATIO: Factor = {
  title: 'dirty rate',
  axis: 'dirty rate ÷ link rate',
  isOrdered: true,
  of: ({ dirtyRatio }) => dirtyRatio ?? 0,
  text: ({ dirtyRatio }) => `${dirtyRatio ?? 0}`,
  common: ({ dirtyRatio }) => `dirty rate ÷ link rate ${dirtyRatio ?? 0}`,
};

const FACTORS: readonly Factor[] = [
  DIRTY_RATIO,
  {
    title: 'working set',
    axis: 'memory that the guest writes',
    isOrdered: true,
    of: writtenBytes,
    text: (parameters) => bytes(writtenBytes(parameters)),
    common: (parameters) => `${bytes(writtenBytes(parameters))} written`,
  },
  {
    title: 'link',
    axis: 'rate of the link',
    isOrdered: true,
    of: ({ linkBytesPerSecond }) => linkBytesPerSecond ?? Number.MAX_VALUE,
    text: ({ linkBytesPerSecond }) => linkRate(linkBytesPerSecond),
    common: ({ linkBytesPerSecond }) =>
      linkBytesPerSecond === null ? 'a link without a limit' : linkRate(linkBytesPerSecond),
  },
  {
    title: 'content',
    axis: 'content of the memory',
    isOrdered: false,
    of: ({ fill }) => fill,
    text: ({ fill }) => fill,
    common: ({ fill }) => `${fill} content`,
  },
];

/** Without a working set of its own a guest writes all of its memory. */
function writtenBytes({ workingSetBytes, memoryBytes }: Parameters): number {
  return workingSetBytes ?? memoryBytes;
}

/** Migrations to be drawn against one factor. */
export interface Variation {
  readonly factor: Factor;
  readonly migrations: Group<Completed>;
  /** What is the same for all of them. */
  readonly common: string;
}

/** All that must be the same, but for the workload. */
function keyOf(others: readonly Factor[], { parameters }: Completed): string {
  const { engine, memoryBytes, tracker, rttMs } = parameters;
  return JSON.stringify([
    engine,
    memoryBytes,
    tracker,
    rttMs,
    ...others.map(({ of }) => of(parameters)),
  ]);
}

/** A group for each workload. A guest that writes nothing runs none, and stands for every one of them. */
function byWorkload(group: Group<Completed>): Group<Completed>[] {
  const idle = group.filter(({ parameters }) => parameters.dirtyRatio === 0);
  const writing = group.filter(({ parameters }) => parameters.dirtyRatio !== 0);
  const workloads = [...groupBy(writing, ({ parameters }) => parameters['workload']).values()];
  return workloads.length === 0
    ? [group]
    : workloads.map(([first, ...rest]) => [first, ...rest, ...idle]);
}

function variationsOf(factor: Factor, migrations: readonly Completed[]): Variation[] {
  const others = FACTORS.filter((one) => one !== factor);
  return [...groupBy(migrations, (one) => keyOf(others, one)).values()]
    .flatMap(byWorkload)
    .filter((group) => new Set(group.map(({ parameters }) => factor.of(parameters))).size > 1)
    .map((group) => {
      const [{ parameters }] = group;
      const same = others.map(({ common }) => common(parameters));
      const common = [`${bytes(parameters.memoryBytes)} of memory`, ...same].join(', ');
      return { factor, migrations: group, common };
    });
}

/**
 * One for each set of cases that differ in one factor alone. Of a full product of the factors there would be hundreds: then
 * it is those of the dirty rate, against which the strategies differ most.
 */
export function variations(migrations: readonly Completed[]): Variation[] {
  const paced = migrations.filter(({ parameters }) => parameters.dirtyRatio !== null);
  return FACTORS.flatMap((factor) => {
    const found = variationsOf(factor, paced);
    return factor === DIRTY_RATIO || found.length === 1 ? found : [];
  });
}
