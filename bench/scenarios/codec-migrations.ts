// One image over one link, by every policy: migrations of a guest that begins with the image and changes it as its later
// snapshots do.
import type { CodecImage } from '../codecs/images.js';
import type { CodecLink } from '../codecs/links.js';
import { RATIOS, type RatioName, rowKey, scenarioName } from '../codecs/names.js';
import { isFixed, isOfQemu, PAGE_LZ4, type Policy, RAW } from '../codecs/policies.js';
import { migrateBy, type PolicyRun } from '../codecs/policy-run.js';
import { inDrawnOrder } from '../lib/drawn-order.js';
import type {
  Figure,
  MigrationRecord,
  SampleContext,
  Scenario,
  ScenarioRow,
} from '../lib/scenario.js';

/** What starting two processes and filling the guest takes, about. */
const START_SECONDS = 2;

interface PolicyRow extends Pick<ScenarioRow, 'title' | 'unit' | 'better'> {
  readonly figure: string;
  /** Answers a figure, or why there is none. */
  of(run: PolicyRun): number | string | null;
}

const POLICY_ROWS: readonly PolicyRow[] = [
  {
    figure: 'total',
    title: 'total migration time',
    unit: 'ms',
    better: 'lower',
    of: ({ totalMs }) => totalMs,
  },
  {
    figure: 'sent',
    title: 'sent',
    unit: 'MB',
    better: 'lower',
    of: ({ wireBytes }) => wireBytes / 1e6,
  },
  {
    figure: 'source-cpu',
    title: 'CPU time of the source',
    unit: 's',
    better: 'lower',
    of: ({ sourceCpuSeconds }) => sourceCpuSeconds,
  },
  {
    figure: 'destination-cpu',
    title: 'CPU time of the destination',
    unit: 's',
    better: 'lower',
    of: ({ destinationCpuSeconds }) => destinationCpuSeconds,
  },
  {
    figure: 'downtime',
    title: 'downtime',
    unit: 'ms',
    better: 'lower',
    of: ({ downtimeMs }) => downtimeMs,
  },
  {
    figure: 'speed',
    title: 'pages that the guest changed meanwhile',
    unit: 'pages/s',
    better: 'higher',
    of: ({ changes }) => changes,
  },
  {
    figure: 'amplification',
    title: 'sent after the first round ÷ changed by the guest',
    unit: '×',
    better: 'lower',
    of: ({ amplification }) => amplification,
  },
];

/** A ratio's divisor among the migrations of a sample, by policy; undefined where that policy is not among them. */
const DIVISORS: Readonly<Record<RatioName, (runs: Runs) => PolicyRun | undefined>> = {
  'bytes-of-page-lz4': (runs) => runs.get(PAGE_LZ4),
  'time-of-page-lz4': (runs) => runs.get(PAGE_LZ4),
  'time-of-raw': (runs) => runs.get(RAW),
  'time-of-best': (runs) => runs.bestFixed,
};

/** The migrations of one sample. */
class Runs {
  readonly #runs = new Map<string, { readonly policy: Policy; readonly run: PolicyRun }>();
  readonly #missing = new Map<string, string>();

  add(policy: Policy, run: PolicyRun): void {
    this.#runs.set(policy.name, { policy, run });
  }

  /** The policy cannot be had here. */
  miss({ name }: Policy, why: string): void {
    this.#missing.set(name, why);
  }

  get(name: string): PolicyRun | undefined {
    return this.#runs.get(name)?.run;
  }

  whyNot(name: string): string {
    return this.#missing.get(name) ?? 'it was not migrated';
  }

  /** The fastest of those that a user could have chosen. */
  get bestFixed(): PolicyRun | undefined {
    return [...this.#runs.values()]
      .filter(({ policy }) => isFixed(policy))
      .map(({ run }) => run)
      .sort((a, b) => a.totalMs - b.totalMs)[0];
  }
}

function ratioOf(name: RatioName, run: PolicyRun, runs: Runs): number | string {
  const divisor = DIVISORS[name](runs);
  if (divisor === undefined) return 'the policy that it is divided by was not measured';
  return name === 'bytes-of-page-lz4'
    ? run.wireBytes / divisor.wireBytes
    : run.totalMs / divisor.totalMs;
}

function figure(measured: number | string | null): Figure {
  return typeof measured === 'string' ? { skipped: measured } : { measured };
}

function figuresOf(policies: readonly Policy[], runs: Runs): Record<string, Figure> {
  const ratios = ratiosAmong(policies);
  const rows = policies.flatMap(({ name }) => {
    const run = runs.get(name);
    const of = (key: string, answer: (run: PolicyRun) => number | string | null) =>
      [rowKey(name, key), figure(run === undefined ? runs.whyNot(name) : answer(run))] as const;
    return [
      ...POLICY_ROWS.map((row) => of(row.figure, row.of)),
      ...ratios.map((ratio) => of(ratio, (known) => ratioOf(ratio, known, runs))),
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
    const migrated = await migrateBy(policy, image, link, context);
    if (typeof migrated === 'string') {
      runs.miss(policy, migrated);
    } else {
      runs.add(policy, migrated.run);
      migrations.push(migrated.record);
    }
  }
  return { runs, migrations };
}

/** What a reader must know of the figures that are QEMU's. */
const QEMU_HOW =
  'QEMU’s guest has the same pages, goes through the same snapshots at the same pace and sleeps in between. The contents of later snapshots lie in a file that both QEMUs map beside the guest’s memory, and are not migrated. It has multifd with 2 channels and zstd at QEMU’s level, or xbzrle with one channel and QEMU’s own cache of 64 MiB; both may pause the guest for 50 ms, and after 30 rounds for as long as the rest takes, as Pageferry does. Its total time and downtime are what it reports, in whole milliseconds, until the destination has confirmed that it has everything (return-path); bytes are counted where it hands them to the kernel, because QEMU 7.2 counts compressed pages with the size that they had before, and have the state of its devices in them, about 0.1 MB. On a link that is a rate limit QEMU has that limit with xbzrle; with multifd it has none, because QEMU 7.2 would count pages before they are compressed, and there is a figure where it sends no more than the link carries all the same. CPU times are of the whole processes, threads of the guest included, in steps of 10 ms, from the start of the migration to its end on both sides. Afterwards every page of its guest is compared too.';

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
    how: `A guest that begins with the image ${image.name} and ${does}, by pre-copy over ${link.title}, once by each policy in an order drawn from a fixed seed; destination populated before.${policies.some(isOfQemu) ? ` ${QEMU_HOW}` : ''}`,
    rows: policies.flatMap(({ name: policy }) => rowsOf(policy)),
    briefly: policies.map(({ name: policy }) => rowKey(policy, 'total')),
    async sample(context) {
      const { runs, migrations } = await migrateAll(image, link, policies, context);
      return { rows: figuresOf(policies, runs), migrations };
    },
  };
}
