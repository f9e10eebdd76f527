// What the native programs print, each one JSON object.
import * as v from 'valibot';

const figure = v.pipe(v.number(), v.finite());

/** Where this machine lacks the mechanism. */
const skipped = v.object({ skipped: v.string() });

const transfer = v.object({ bytes: figure, seconds: figure });
const latencies = v.object({ count: figure, p50Us: figure, p99Us: figure });

const scatteredWrites = v.object({
  firstWriteUs: figure,
  secondWriteUs: figure,
  harvestMs: figure,
  harvestedPages: figure,
  rounds: figure,
});

const tracker = v.object({
  armMs: figure,
  cleanHarvestMs: figure,
  scattered: v.union([scatteredWrites, skipped]),
});

const installed = v.object({ perPageUs: figure, gbPerSecond: figure });
const installPaths = v.object({
  memcpy: installed,
  memcpyFresh: installed,
  copy: installed,
  zero: installed,
  continueFresh: installed,
  continue: installed,
});

const codec = v.object({
  encodeGbPerSecond: figure,
  // Null where it made no block smaller.
  decode: v.nullable(v.object({ gbPerSecond: figure })),
  outPerIn: figure,
  encodedPages: figure,
});

/** An encoding, its level where it has some, and how many pages are in a block. */
export const CODECS = [
  'wkdm64-x16',
  'wkdm32-x16',
  'sparse-x16',
  'lz4-x1',
  'lz4-x16',
  'zstd-1-x1',
  'zstd-1-x16',
  'zstd-3-x64',
  'zstd-9-x64',
  'zstd-delta-x16',
  'lz4-delta-x16',
  'xbzrle-x16',
] as const;

export const nativeAnswers = {
  'tcp-stream': v.object({ ...transfer.entries, senderCpuSeconds: figure }),
  'tls-stream': transfer,
  'tcp-round-trip': v.object({ ...latencies.entries, maxUs: figure }),
  'memory-read': transfer,
  'local-install': latencies,
  'tick-rate': v.object({ ticksPerSecond: figure }),
  'warm-memory': transfer,
  'tracker-bench': v.object({
    bytes: figure,
    writes: figure,
    threads: figure,
    minorFaultUs: figure,
    untrackedWriteUs: figure,
    mprotectMs: figure,
    trackers: v.record(v.string(), v.union([tracker, skipped])),
  }),
  'install-bench': v.union([
    v.object({ bytes: figure, pages: installPaths, runs: installPaths }),
    skipped,
  ]),
  'fault-bench': v.union([
    v.object({
      threads: figure,
      p50Us: figure,
      p99Us: figure,
      maxUs: figure,
      pagesPerSecond: figure,
      engineP50Us: figure,
      engineP99Us: figure,
      tookUs: v.array(figure),
    }),
    skipped,
  ]),
  'codec-bench': v.object({
    bytes: figure,
    memcpyGbPerSecond: figure,
    readGbPerSecond: figure,
    zeroCheckGbPerSecond: figure,
    // Of a codec that was not asked for there is nothing.
    codecs: v.partial(v.object(v.entriesFromList(CODECS, codec))),
  }),
};
