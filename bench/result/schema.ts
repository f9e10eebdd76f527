// The result file, version 2: what every command of the bench reads and writes.
import * as v from 'valibot';

const figure = v.pipe(v.number(), v.finite());
const text = v.string();
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const spread = { median: figure, min: figure, max: figure, samples: v.array(figure) };

const target = v.object({
  figure: v.picklist(['measured', 'ratio']),
  atLeast: v.optional(figure),
  atMost: v.optional(figure),
  below: v.optional(figure),
});

const rowHead = {
  scenario: text,
  key: text,
  title: text,
  unit: text,
  better: v.picklist(['higher', 'lower']),
  target: v.nullable(target),
  met: v.nullable(v.boolean()),
};

const row = v.variant('status', [
  v.object({
    ...rowHead,
    status: v.literal('measured'),
    measured: v.object(spread),
    baseline: v.optional(v.nullable(v.object({ name: text, ...spread })), null),
    ratio: v.optional(v.nullable(v.object(spread)), null),
    // One entry per sample.
    details: v.optional(v.array(v.unknown()), []),
  }),
  v.object({ ...rowHead, status: v.picklist(['skipped', 'failed']), reason: text }),
]);

// Reports of other engines fill what they can; docs/metrics.md describes Pageferry's.
const report = v.looseObject({
  strategy: text,
  outcome: text,
  totalMs: v.nullable(figure),
  downtimeMs: v.nullable(figure),
});

const sourcePoint = v.object({
  atMs: figure,
  phase: v.nullable(text),
  wireBytes: v.nullable(whole),
  pagesSent: v.nullable(whole),
  operations: v.nullable(whole),
});

const timeline = v.looseObject({
  source: v.array(sourcePoint),
  destination: v.array(
    v.object({ atMs: figure, demandFaults: v.nullable(whole), operations: v.nullable(whole) }),
  ),
  pausedAtMs: v.nullable(figure),
  resumedAtMs: v.nullable(figure),
  rounds: v.array(
    v.object({
      startMs: figure,
      endMs: figure,
      pages: whole,
      dirtyPages: v.nullable(whole),
      rateBytesPerSecond: v.nullable(figure),
    }),
  ),
  // When a core of the machine stood still for real-time work; null where that was not watched.
  stalls: v.optional(
    v.nullable(v.array(v.object({ core: whole, atMs: figure, ms: figure }))),
    null,
  ),
});

const migration = v.looseObject({
  scenario: text,
  label: text,
  repetition: whole,
  parameters: v.looseObject({
    engine: v.picklist(['pageferry', 'qemu']),
    strategy: text,
    memoryBytes: whole,
    workingSetBytes: v.nullable(whole),
    linkBytesPerSecond: v.nullable(figure),
    dirtyRatio: v.nullable(figure),
    fill: text,
  }),
  report: v.nullable(report),
  timeline: v.nullable(timeline),
});

const distribution = v.object({
  scenario: text,
  key: text,
  title: text,
  unit: text,
  series: v.array(v.object({ label: text, buckets: v.array(v.tuple([figure, whole])) })),
});

/** What a run was told; a run is only resumed with the same. */
const plan = v.object({
  suite: text,
  only: v.nullable(v.array(text)),
  repetitions: v.pipe(whole, v.minValue(1)),
  link: v.looseObject({ kind: text }),
  full: v.boolean(),
  // Of a file of scenarios: what was in it.
  digest: v.optional(v.nullable(text), null),
});

export const resultSchema = v.object({
  version: v.literal(2),
  suite: text,
  command: text,
  // Without it the run cannot be resumed.
  plan: v.optional(plan),
  startedAt: v.pipe(text, v.isoTimestamp()),
  finishedAt: v.nullable(v.pipe(text, v.isoTimestamp())),
  repetitions: v.pipe(whole, v.minValue(1)),
  environment: v.looseObject({
    kernel: text,
    cpu: text,
    cores: whole,
    memoryBytes: whole,
    node: text,
    commit: v.nullable(text),
    modified: v.boolean(),
    othersCpuShare: figure,
    quiet: v.boolean(),
    warmedBytes: v.optional(whole, 0),
  }),
  methods: v.array(v.object({ name: text, how: text })),
  rows: v.array(row),
  migrations: v.array(migration),
  distributions: v.array(distribution),
  // Of the processors' time during each sample, the share that the host of a virtual machine withheld.
  stolen: v.optional(v.array(v.object({ scenario: text, repetition: whole, share: figure })), []),
});
