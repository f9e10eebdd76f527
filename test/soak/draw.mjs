// What one journey of the soak is like, drawn from its seed and from nothing else: a guest, and the
// migrations that it goes through one after the other.
import { COMPRESSIONS, SOURCE_PHASES, STRATEGY_NAMES, WORKLOAD_NAMES } from 'pageferry';

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const MOST_HOPS = 12;

/** Mulberry32: whole numbers from 0 to 2^32 - 1. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The seed of journey `index` of a run: known by itself, so that one journey can be made alone. */
export function journeySeed(runSeed, index) {
  const next = numbers(runSeed ^ Math.imul(index + 1, 0x9e3779b1));
  return next();
}

function drawGuest(next, pid) {
  const pick = (choices) => choices[next() % choices.length];
  const fill = pick(['zero', 'random', 'text', 'file', 'process']);
  // The digests of a captured fill need a page beside the guest's own.
  const least = fill === 'file' || fill === 'process' ? 4 * MIB : PAGE_BYTES;
  const memoryBytes = pick([least, PAGE_BYTES * 1025, 4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB]);
  const pages = memoryBytes / PAGE_BYTES;
  const workingSetPages = pick([0, 1, Math.ceil(pages / 3), 1 + (next() % pages)]);
  return {
    workload: pick(WORKLOAD_NAMES),
    memoryBytes,
    workingSetBytes: workingSetPages * PAGE_BYTES,
    writesPerSecond: pick([0, 1000, 20_000, 100_000]),
    writeBytes: pick([8, 64, 64, 1024, 4096]),
    // Each thread needs a page of its own.
    threads: Math.min(pick([1, 2, 4]), workingSetPages || pages),
    seed: next(),
    fill: {
      kind: fill,
      ...(fill === 'file' ? { path: process.execPath } : {}),
      ...(fill === 'process' ? { pid } : {}),
    },
  };
}

function drawHop(next, trackers) {
  const pick = (choices) => choices[next() % choices.length];
  const migration = {
    strategy: pick(STRATEGY_NAMES),
    channels: pick([1, 2, 3, 7]),
    tracker: pick(trackers),
    compression: pick([...COMPRESSIONS, 'zstd:3']),
    ...pick([{}, {}, { cacheBytes: 0 }, { cacheBytes: 1 << 20 }, { cacheBytes: 256 << 20 }]),
    bandwidthBytesPerSecond: pick([0, 0, 0, 64 * MIB]),
    downtimeBudgetMs: pick([1, 50, 500]),
    maxRounds: pick([2, 5, 30]),
    otherwise: pick(['stop-and-copy', 'post-copy', 'abort']),
  };
  const cancel = { phase: pick(SOURCE_PHASES), afterMs: pick([0, 0, 1, 5, 20]) };
  return { migration, cancel: next() % 4 === 0 ? cancel : null };
}

/** `trackers`: those that this kernel offers. `pid`: a process whose memory may be copied. */
export function drawJourney(seed, { trackers, pid }) {
  const next = numbers(seed);
  const guest = drawGuest(next, pid);
  const count = 1 + (next() % MOST_HOPS);
  return { guest, hops: Array.from({ length: count }, () => drawHop(next, trackers)) };
}

export function describeGuest({ workload, memoryBytes, workingSetBytes, fill, ...guest }) {
  const rate = guest.writesPerSecond === 0 ? 'unlimited' : `${guest.writesPerSecond}/s`;
  return [
    `${workload}, ${memoryBytes / PAGE_BYTES} pages of ${fill.kind}`,
    ...(workingSetBytes > 0 ? [`writes ${workingSetBytes / PAGE_BYTES} of them`] : []),
    `${guest.threads} threads, ${rate}, ${guest.writeBytes} B`,
  ].join(' | ');
}

export function describeHop({ migration, cancel }) {
  const { strategy, channels, tracker, compression, bandwidthBytesPerSecond } = migration;
  return [
    strategy.padEnd(13),
    `${channels} channels, ${tracker}, ${compression}`,
    ...(bandwidthBytesPerSecond > 0 ? [`${bandwidthBytesPerSecond / MIB} MiB/s`] : []),
    ...(cancel === null ? [] : [`cancel ${cancel.afterMs} ms into ${cancel.phase}`]),
  ].join(' | ');
}
