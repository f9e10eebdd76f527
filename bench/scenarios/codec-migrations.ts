// One image over one link, by every policy: migrations of a guest that begins with the image and changes it as its later
// snapshots do.
import type { MigrationReport } from '#engine/index.js';
import type { CodecImage } from '../codecs/images.js';
import type { CodecLink } from '../codecs/links.js';
import { RATIOS, type RatioName, rowKey, scenarioName } from '../codecs/names.js';
import { isFixed, PAGE_LZ4, type Policy, RAW } from '../codecs/policies.js';
import { inDrawnOrder } from '../lib/drawn-order.js';
import { recordOf } from '../lib/migration-record.js';
import { type MigrationRun, migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type {
  Figure,
  MigrationRecord,
  SampleContext,
  Scenario,
  ScenarioRow,
} from '../lib/scenario.js';

const PAGE_BYTES = 4096;
const OBSERVE_MS = 300;
const SECOND_MS = 1000;
/** What starting two processes and filling the guest takes, about. */
const START_SECONDS = 2;

interface PolicyRow extends Pick<ScenarioRow, 'title' | 'unit' | 'better'> {
  readonly figure: string;
  /** Answers a figure, or why there is none. */
  of(run: MigrationRun): number | string | null;
}

const POLICY_ROWS: readonly PolicyRow[] = [
  {
    figure: 'total',
    title: 'total migration time',
    unit: 'ms',
    better: 'lower',
    of: ({ report }) => report.totalMs,
  },
  {
    figure: 'sent',
    title: 'sent',
    unit: 'MB',
    better: 'lower',
    of: ({ report }) => report.wireBytes / 1e6,
  },
  {
    figure: 'source-cpu',
    title: 'CPU time of the source',
    unit: 's',
    better: 'lower',
    of: ({ source }) => source.cpuMs / SECOND_MS,
  },
  {
    figure: 'destination-cpu',
    title: 'CPU time of the destination',
    unit: 's',
    better: 'lower',
    of: ({ destination }) => destination.cpuMs / SECOND_MS,
  },
  {
    figure: 'downtime',
    title: 'downtime',
    unit: 'ms',
    better: 'lower',
    of: ({ report }) => report.downtimeMs,
  },
  {
    figure: 'speed',
    title: 'pages that the guest changed meanwhile',
    unit: 'pages/s',
    better: 'higher',
    of: ({ report }) =>
      report.guest?.opsPerSecondDuring || 'the guest changed nothing during the migration',
  },
  {
    figure: 'amplification',
    title: 'sent after the first round ÷ changed by the guest',
    unit: '×',
    better: 'lower',
    of: ({ report }) => amplification(report),
  },
];

/** Bytes of all that was sent again, for each byte of the pages that the guest changed until it had moved. */
function amplification({ guest, totalMs, wireBytes, rounds }: MigrationReport): number | string {
  const changes = ((guest?.opsPerSecondDuring ?? 0) * totalMs) / SECOND_MS;
  if (changes < 1) return 'the guest changed nothing during the migration';
  return (wireBytes - (rounds[0]?.wireBytes ?? 0)) / (changes * PAGE_BYTES);
}

/** A ratio's divisor among the migrations of a sample, by policy; undefined where that policy is not among them. */
const DIVISORS: Readonly<Record<RatioName, (runs: Runs) => MigrationReport | undefined>> = {
  'bytes-of-page-lz4': (runs) => runs.get(PAGE_LZ4)?.report,
  'time-of-page-lz4': (runs) => runs.get(PAGE_LZ4)?.report,
  'time-of-raw': (runs) => runs.get(RAW)?.report,
  'time-of-best': (runs) => runs.bestFixed?.report,
};

/** The migrations of one sample. */
class Runs {
  readonly #runs = new Map<string, { readonly policy: Policy; readonly run: MigrationRun }>();

  add(policy: Policy, run: MigrationRun): void {
    this.#runs.set(policy.name, { policy, run });
  }

  get(name: string): MigrationRun | undefined {
    return this.#runs.get(name)?.run;
  }

  /** The fastest of those that a user could have chosen. */
  get bestFixed(): MigrationRun | undefined {
    return [...this.#runs.values()]
      .filter(({ policy }) => isFixed(policy))
      .map(({ run }) => run)
      .sort((a, b) => a.report.totalMs - b.report.totalMs)[0];
  }
}

function ratioOf(name: RatioName, { report }: MigrationRun, runs: Runs): number | string {
  const divisor = DIVISORS[name](runs);
  if (divisor === undefined) return 'the policy that it is divided by was not measured';
  return name === 'bytes-of-page-lz4'
    ? report.wireBytes / divisor.wireBytes
    : report.totalMs / divisor.totalMs;
}

function figure(measured: number | string | null): Figure {
  return typeof measured === 'string' ? { skipped: measured } : { measured };
}

function figuresOf(policies: readonly Policy[], runs: Runs): Record<string, Figure> {
  const rows = policies.flatMap(({ name }) => {
    const run = runs.get(name);
    if (run === undefined) return [];
    return [
      ...POLICY_ROWS.map((row) => [rowKey(name, row.figure), figure(row.of(run))] as const),
      ...ratiosAmong(policies).map(
        (ratio) => [rowKey(name, ratio), figure(ratioOf(ratio, run, runs))] as const,
      ),
    ];
  });
  return Object.fromEntries(rows);
}

/** Those whose divisor is measured. */
function ratiosAmong(policies: readonly Policy[]): RatioName[] {
  const has = (name: string) => policies.some((policy) => policy.name === name);
  const possible: Readonly<Record<RatioName, boolean>> = {
    'bytes-of-page-lz4': has(PAGE_LZ4),
    'time-of-page-lz4': has(PAGE_LZ4),
    'time-of-raw': has(RAW),
    'time-of-best': policies.some(isFixed),
  };
  return (Object.keys(RATIOS) as RatioName[]).filter((name) => possible[name]);
}

function migrationOf(image: CodecImage, link: CodecLink, policy: Policy): WorkloadMigration {
  const { path, memoryBytes, changes } = image;
  const { compression, blockPages } = policy;
  return {
    guest: {
      kind: 'workload',
      options: {
        workload: changes ? { kind: 'snapshots' } : 'idle',
        memoryBytes,
        fill: { kind: 'image', path },
      },
    },
    source: {
      strategy: 'pre-copy',
      compression,
      ...(blockPages === undefined ? {} : { blockPages }),
      bandwidthBytesPerSecond: link.bandwidth,
      observeMs: OBSERVE_MS,
    },
    destination: { prepare: true },
  };
}

async function migrateAll(
  image: CodecImage,
  link: CodecLink,
  policies: readonly Policy[],
  context: SampleContext,
) {
  const runs = new Runs();
  const migrations: MigrationRecord[] = [];
  const name = scenarioName(link.name, image.name);
  for (const policy of inDrawnOrder(policies, name, context.repetition)) {
    const wanted = migrationOf(image, link, policy);
    const run = await migrateOnce(wanted, context);
    runs.add(policy, run);
    const label = `${policy.name}, ${image.name}, ${link.title}`;
    migrations.push(recordOf(label, wanted, run, { linkBytesPerSecond: link.rate }));
  }
  return { runs, migrations };
}

export function codecMigrationsScenario(
  image: CodecImage,
  link: CodecLink,
  policies: readonly Policy[],
): Scenario {
  const name = scenarioName(link.name, image.name);
  const { memoryBytes, changes } = image;
  const ratios = ratiosAmong(policies).map((ratio) => ({ figure: ratio, title: RATIOS[ratio] }));
  const rowsOf = (policy: string): ScenarioRow[] => [
    ...POLICY_ROWS.map(({ figure: key, title, unit, better }) => ({
      key: rowKey(policy, key),
      title: `${policy}, ${image.name}, ${link.title}: ${title}`,
      unit,
      better,
    })),
    ...ratios.map(({ figure: key, title }) => ({
      key: rowKey(policy, key),
      title: `${policy}, ${image.name}, ${link.title}: ${title}`,
      unit: '×',
      better: 'lower' as const,
    })),
  ];
  const slowest = link.rate === null ? 0 : memoryBytes / link.rate;
  const does = changes
    ? 'goes through its later snapshots, at the pace at which they were taken'
    : 'writes nothing, because there is no later snapshot';
  return {
    name,
    link: link.wanted,
    // The source, what it keeps of what it has sent, and the destination.
    neededBytes: 4 * memoryBytes,
    warmUp: false,
    sampleSeconds: policies.length * (START_SECONDS + slowest / 2),
    how: `A guest that begins with the image ${image.name} and ${does}, by pre-copy over ${link.title}, once by each policy in an order drawn from a fixed seed; destination populated before.`,
    rows: policies.flatMap(({ name: policy }) => rowsOf(policy)),
    briefly: policies.map(({ name: policy }) => rowKey(policy, 'total')),
    async sample(context) {
      const { runs, migrations } = await migrateAll(image, link, policies, context);
      return { rows: figuresOf(policies, runs), migrations };
    },
  };
}
