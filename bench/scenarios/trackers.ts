// The trackers side by side: first write, arm and harvest by the region's size, by the share of it that is
// dirty, and by the number of writing threads. One factor changes at a time, around a centre.
import { type NativeAnswer, runNative } from '../lib/native.js';
import type { Figure, Scenario } from '../lib/scenario.js';

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const TRACKERS = ['uffd-wp-async', 'uffd-wp-sync', 'mprotect'];

const SIZES = [64 * MIB, 256 * MIB, 1024 * MIB, 4096 * MIB];
// None dirty is a harvest that finds nothing.
const SHARES = [0.1, 1];
const THREADS = [2, 4];
interface Point {
  readonly bytes: number;
  /** Of the pages, how many are dirty. */
  readonly share: number;
  readonly threads: number;
}
const CENTRE: Point = { bytes: 256 * MIB, share: 0.01, threads: 1 };

const MINOR_FAULT = 'a minor fault on the same pages, by as many threads';
const ONE_MPROTECT = 'one mprotect() that makes the region read-only';

type Answer = NativeAnswer<'tracker-bench'>;
/** The part of an answer that belongs to one tracker. */
type TrackerFigures = Exclude<Answer['trackers'][string], { readonly skipped: string }>;

/** What a row shows. */
interface Kind {
  title(point: Point): string;
  readonly unit: string;
  readonly baseline: string;
  /** The figure, or why there is none. */
  of(figures: TrackerFigures): number | string;
  beside(answer: Answer): number;
}

const KINDS = {
  'first-write': {
    title: (point) => `first write: ${written(point)}`,
    unit: 'µs',
    baseline: MINOR_FAULT,
    of: ({ scattered }) => ('skipped' in scattered ? scattered.skipped : scattered.firstWriteUs),
    beside: ({ minorFaultUs }) => minorFaultUs,
  },
  harvest: {
    title: (point) => `harvest: ${written(point)}`,
    unit: 'ms',
    baseline: ONE_MPROTECT,
    of: ({ scattered }) => ('skipped' in scattered ? scattered.skipped : scattered.harvestMs),
    beside: ({ mprotectMs }) => mprotectMs,
  },
  'clean-harvest': {
    title: ({ bytes }) => `harvest that finds nothing: ${size(bytes)}`,
    unit: 'µs',
    baseline: ONE_MPROTECT,
    of: ({ cleanHarvestMs }) => cleanHarvestMs * 1000,
    beside: ({ mprotectMs }) => mprotectMs * 1000,
  },
  arm: {
    title: ({ bytes }) => `arm: ${size(bytes)}`,
    unit: 'ms',
    baseline: ONE_MPROTECT,
    of: ({ armMs }) => armMs,
    beside: ({ mprotectMs }) => mprotectMs,
  },
} satisfies Record<string, Kind>;
type KindName = keyof typeof KINDS;

function size(bytes: number): string {
  return bytes < 1024 * MIB ? `${bytes / MIB} MiB` : `${bytes / (1024 * MIB)} GiB`;
}

function written({ bytes, share, threads }: Point): string {
  const writers = threads === 1 ? '1 thread' : `${threads} threads`;
  return `${size(bytes)}, ${share * 100} % dirty, ${writers}`;
}

function figure(kind: KindName, sample: Answer, tracker: string): Figure {
  const figures = sample.trackers[tracker];
  if (figures === undefined) throw new Error(`there are no figures of ${tracker}`);
  if ('skipped' in figures) return figures;
  const measured = KINDS[kind].of(figures);
  if (typeof measured === 'string') return { skipped: measured };
  return { measured, baseline: KINDS[kind].beside(sample), details: figures };
}

function trackersScenario(
  name: string,
  kinds: readonly KindName[],
  point: Point,
  more: Pick<Scenario, 'mostRepetitions' | 'sampleSeconds'> = {},
): Scenario {
  const rows = kinds.flatMap((kind) =>
    TRACKERS.map((tracker) => ({ key: `${name}-${tracker}-${kind}`, kind, tracker })),
  );
  const args = [
    ...['--bytes', point.bytes, '--threads', point.threads],
    ...['--writes', Math.floor((point.bytes / PAGE_BYTES) * point.share)],
  ];
  return {
    name,
    neededBytes: point.bytes,
    sampleSeconds: 1,
    ...more,
    how: `Trackers compared: ${written(point)}. Shared guest memory, warm, mapped writable, the three trackers one after the other on the same pages. A first write: mean of all scattered pages, as its thread waits for it. A harvest: median, by one thread, after every such page was written. Beside them, in the same process: writes to the same pages after their page table entries were dropped one by one, and one mprotect() over the region.`,
    rows: rows.map(({ key, kind, tracker }) => ({
      key,
      title: `${tracker}, ${KINDS[kind].title(point)}`,
      unit: KINDS[kind].unit,
      better: 'lower',
      baseline: KINDS[kind].baseline,
    })),
    async sample({ signal }) {
      const sample = await runNative('tracker-bench', args, { signal });
      const figures = rows.map(({ key, kind, tracker }) => [key, figure(kind, sample, tracker)]);
      return { rows: Object.fromEntries(figures) };
    },
  };
}

const bySize = SIZES.map((bytes) =>
  trackersScenario(
    `trackers-${bytes / MIB}mib`,
    ['first-write', 'harvest', 'clean-harvest', 'arm'],
    { ...CENTRE, bytes },
    bytes > 1024 * MIB ? { mostRepetitions: 3, sampleSeconds: 6 } : {},
  ),
);

const byShare = SHARES.map((share) =>
  trackersScenario(
    `trackers-${share * 100}-percent`,
    ['first-write', 'harvest'],
    { ...CENTRE, share },
    share === 1 ? { mostRepetitions: 3, sampleSeconds: 5 } : {},
  ),
);

const byThreads = THREADS.map((threads) =>
  trackersScenario(`trackers-${threads}-threads`, ['first-write'], { ...CENTRE, threads }),
);

export const trackersScenarios = [...bySize, ...byShare, ...byThreads];
