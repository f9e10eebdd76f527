// The result file, version 2: what every command of the bench reads and writes. Its types are inferred from it.
import * as v from 'valibot';
import { linkSchema } from '../links/wanted-link.js';

const figure = v.pipe(v.number(), v.finite());
const text = v.string();
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const spreadEntries = { median: figure, min: figure, max: figure, samples: v.array(figure) };

const spread = v.object(spreadEntries);

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
    measured: spread,
    baseline: v.optional(v.nullable(v.object({ name: text, ...spreadEntries })), null),
    ratio: v.optional(v.nullable(spread), null),
    // One entry per sample.
    details: v.optional(v.array(v.unknown()), []),
  }),
  v.object({ ...rowHead, status: v.picklist(['skipped', 'failed']), reason: text }),
]);

const guest = v.object({
  workload: text,
  longestGapMs: v.nullable(figure),
  // Not of other engines.
  gapResolutionMs: v.optional(v.nullable(figure)),
  lostMs: v.optional(v.nullable(figure)),
  opsPerSecondSlowest: v.optional(v.nullable(figure)),
  opsPerSecondBefore: v.nullable(figure),
  opsPerSecondDuring: v.nullable(figure),
  opsPerSecondAfter: v.nullable(figure),
});

// Reports of other engines fill what they can; docs/metrics.md describes Pageferry's.
const report = v.looseObject({
  strategy: text,
  outcome: text,
  totalMs: v.nullable(figure),
  downtimeMs: v.nullable(figure),
  pagesSent: v.optional(whole),
  pagesByContent: v.optional(v.record(text, whole)),
  wireBytes: v.optional(whole),
  demandFaultsOverNetwork: v.optional(whole),
  faultLatencyUs: v.optional(v.object({ p50: figure, p99: figure, p999: figure, max: figure })),
  guest: v.optional(v.nullable(guest)),
});

const sourcePoint = v.object({
  atMs: figure,
  phase: v.nullable(text),
  wireBytes: v.nullable(whole),
  pagesSent: v.nullable(whole),
  operations: v.nullable(whole),
});

const destinationPoint = v.object({
  atMs: figure,
  demandFaults: v.nullable(whole),
  operations: v.nullable(whole),
});

const round = v.object({
  startMs: figure,
  endMs: figure,
  pages: whole,
  dirtyPages: v.nullable(whole),
  rateBytesPerSecond: v.nullable(figure),
});

export const stallSchema = v.object({ core: whole, atMs: figure, ms: figure });

const timeline = v.looseObject({
  source: v.array(sourcePoint),
  destination: v.array(destinationPoint),
  pausedAtMs: v.nullable(figure),
  resumedAtMs: v.nullable(figure),
  rounds: v.array(round),
  // When a core of the machine stood still for real-time work; null where that was not watched.
  stalls: v.optional(v.nullable(v.array(stallSchema)), null),
});

const migration = v.looseObject({
  scenario: text,
  label: text,
  repetition: whole,
  parameters: v.looseObject({
    engine: v.picklist(['pageferry', 'qemu']),
    strategy: text,
    memoryBytes: whole,
    // Of a guest whose memory is mostly holes.
    populatedBytes: v.optional(whole),
    workingSetBytes: v.nullable(whole),
    linkBytesPerSecond: v.nullable(figure),
    dirtyRatio: v.nullable(figure),
    fill: text,
  }),
  report: v.nullable(report),
  timeline: v.nullable(timeline),
});

// [upper bound, count], ascending.
const buckets = v.array(v.tuple([figure, whole]));

const distribution = v.object({
  scenario: text,
  key: text,
  title: text,
  unit: text,
  series: v.array(v.object({ label: text, buckets })),
});

/** What a run was told; a run is only resumed with the same. */
const plan = v.object({
  suite: text,
  only: v.nullable(v.array(text)),
  repetitions: v.pipe(whole, v.minValue(1)),
  link: linkSchema,
  full: v.boolean(),
  // Of a file of scenarios: what was in it.
  digest: v.optional(v.nullable(text), null),
});

const environment = v.looseObject({
  kernel: text,
  cpu: text,
  cores: whole,
  memoryBytes: whole,
  node: text,
  // The version of the one that stands beside Pageferry.
  qemu: v.optional(v.nullable(text), null),
  compiler: v.optional(v.nullable(text)),
  congestionControl: v.optional(text),
  commit: v.nullable(text),
  modified: v.boolean(),
  othersCpuShare: figure,
  quiet: v.boolean(),
  warmedBytes: v.optional(whole, 0),
});

// Of the processors' time during a sample, the share that the host of a virtual machine withheld.
const stolen = v.object({ scenario: text, repetition: whole, share: figure });

// Of one guest that arrived in a sample: its pages, and how many of them were compared with what the guest must hold.
// All of those were right: a scenario with a wrong page has failed.
const compared = v.object({
  scenario: text,
  repetition: whole,
  pages: whole,
  pagesCompared: whole,
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
  environment,
  methods: v.array(v.object({ name: text, how: text })),
  rows: v.array(row),
  migrations: v.array(migration),
  distributions: v.array(distribution),
  stolen: v.optional(v.array(stolen), []),
  compared: v.optional(v.array(compared), []),
});

export type Result = v.InferOutput<typeof resultSchema>;
export type Plan = v.InferOutput<typeof plan>;
export type Environment = v.InferOutput<typeof environment>;
export type Row = v.InferOutput<typeof row>;
export type MeasuredRow = Extract<Row, { status: 'measured' }>;
/** Why there are no figures. */
export type UnmeasuredStatus = Exclude<Row['status'], 'measured'>;
export type Target = v.InferOutput<typeof target>;
export type Spread = v.InferOutput<typeof spread>;
export type Better = Row['better'];
export type Migration = v.InferOutput<typeof migration>;
export type Report = v.InferOutput<typeof report>;
export type Timeline = v.InferOutput<typeof timeline>;
export type SourcePoint = v.InferOutput<typeof sourcePoint>;
export type DestinationPoint = v.InferOutput<typeof destinationPoint>;
export type Round = v.InferOutput<typeof round>;
export type Stall = v.InferOutput<typeof stallSchema>;
export type Distribution = v.InferOutput<typeof distribution>;
export type Buckets = v.InferOutput<typeof buckets>;
export type Stolen = v.InferOutput<typeof stolen>;
export type ComparedGuest = v.InferOutput<typeof compared>;
