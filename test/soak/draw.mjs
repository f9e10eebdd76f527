// What one migration of the soak is like, drawn from its seed and from nothing else.
import { CODEC_NAMES, STRATEGY_NAMES, WORKLOAD_NAMES } from 'pageferry';

const MIB = 2 ** 20;

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

/** The seed of migration `index` of a run: known by itself, so that one migration can be run alone. */
export function migrationSeed(runSeed, index) {
  const next = numbers(runSeed ^ Math.imul(index + 1, 0x9e3779b1));
  return next();
}

/** `trackers`: those that this kernel offers. `pid`: a process whose memory may be copied. */
export function drawMigration(seed, { trackers, pid }) {
  const next = numbers(seed);
  const pick = (choices) => choices[next() % choices.length];
  const fill = pick(['zero', 'random', 'text', 'file', 'process']);
  const memoryBytes = pick([4096, 4096 * 1025, 4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB]);
  const guest = {
    workload: pick(WORKLOAD_NAMES),
    memoryBytes,
    workingSetBytes: pick([0, Math.max(4096, Math.floor(memoryBytes / 3 / 4096) * 4096)]),
    writesPerSecond: pick([0, 0, 1000, 100_000]),
    writeBytes: pick([8, 64, 64, 1024, 4096]),
    // Each thread needs a page of its own.
    threads: Math.min(pick([1, 2, 4]), memoryBytes / 4096),
    operationsPerMark: pick([1, 16]),
    seed: next(),
    fill: {
      kind: fill,
      ...(fill === 'file' ? { path: process.execPath } : {}),
      ...(fill === 'process' ? { pid } : {}),
    },
  };
  const migration = {
    strategy: pick(STRATEGY_NAMES),
    channels: pick([1, 2, 3, 7]),
    tracker: pick(trackers),
    codec: pick(CODEC_NAMES),
    bandwidthBytesPerSecond: pick([0, 0, 0, 64 * MIB]),
    downtimeBudgetMs: pick([1, 50, 500]),
    maxRounds: pick([2, 5, 30]),
    otherwise: pick(['stop-and-copy', 'post-copy']),
  };
  return { guest, migration };
}

export function describeMigration({ guest, migration }) {
  const { strategy, channels, tracker, codec, bandwidthBytesPerSecond } = migration;
  const rate = guest.writesPerSecond === 0 ? 'unlimited' : `${guest.writesPerSecond}/s`;
  return [
    strategy.padEnd(13),
    `${guest.workload}, ${guest.memoryBytes / 4096} pages of ${guest.fill.kind}`,
    `${guest.threads} threads, ${rate}, ${guest.writeBytes} B`,
    `${channels} channels, ${tracker}, ${codec}`,
    ...(bandwidthBytesPerSecond > 0 ? [`${bandwidthBytesPerSecond / MIB} MiB/s`] : []),
  ].join(' | ');
}
