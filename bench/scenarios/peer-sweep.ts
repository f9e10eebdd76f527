// A guest that sweeps a quarter of its memory at full speed, moved by Pageferry and by QEMU.

import { inTurn } from '../lib/in-turn.js';
import type { WorkloadMigration } from '../lib/pair.js';
import type { Figure, SampleContext, Scenario, ScenarioRow } from '../lib/scenario.js';
import { GIGABIT } from '../links/gigabit.js';
import { qemuObstacle } from '../peers/qemu-process.js';
import { namesQemu } from '../peers/qemu-program.js';
import {
  asQemu,
  detailsOf,
  type PeerRecord,
  pageferry,
  qemu,
  WHAT_IS_COMPARED,
} from '../peers/side-by-side.js';
import { type Case, GIGABIT_HOW, gigabitFigures, gigabitRows, row } from './felt.js';
import { HYBRID, POST_COPY, POST_COPY_COLD } from './sweep.js';

const { memoryBytes } = POST_COPY.guest.options;
const HOW = `Both guests write one word into each page of 256 MiB in sequence, as fast as they can, and set marks: ours in memory, every 0.1 ms or after a page write that takes longer; QEMU’s every 1,024 page writes, about as often while nothing disturbs it, as a byte on its serial port, which a program of real-time priority stamps on arrival. So a QEMU guest that waits for many pages one after the other has one long gap where ours has several. The gap is the longest between two marks from the start of the migration to its end on both sides. Time lost: what a guest did not do meanwhile, at its rate during 0.3 s before. One after the other, the order turned round at every other repetition; QEMU as it comes and with postcopy-preempt. QEMU reports whole milliseconds of downtime; none counts as one. ${WHAT_IS_COMPARED}`;

const VARIANTS = [
  { variant: 'plain', suffix: '', beside: '', baseline: namesQemu() },
  {
    variant: 'preempt',
    suffix: '-preempt',
    beside: ', QEMU: preempt',
    baseline: namesQemu('postcopy-preempt'),
  },
] as const;

/** One figure of each engine, and the row for each variant of QEMU that it stands in. */
interface Beside {
  readonly what: readonly [suffix: string, what: string];
  readonly unit: string;
  readonly atMost?: number | undefined;
  of(report: PeerRecord['report']): number | null;
}

function besides(unit: 'ms' | 's', totalAtMost: number | undefined, gapAtMost: number): Beside[] {
  const perUnit = unit === 's' ? 1000 : 1;
  return [
    {
      what: ['', 'total time'],
      unit,
      atMost: totalAtMost,
      of: ({ totalMs }) => totalMs / perUnit,
    },
    {
      what: ['-downtime', 'downtime'],
      unit: 'ms',
      of: ({ downtimeMs }) => (downtimeMs === null ? null : Math.max(1, downtimeMs)),
    },
    {
      what: ['-gap', 'longest gap'],
      unit: 'ms',
      atMost: gapAtMost,
      of: ({ guest }) => guest?.longestGapMs ?? null,
    },
    {
      what: ['-lost', 'time that the guest lost'],
      unit: 'ms',
      of: ({ guest }) => guest?.lostMs ?? null,
    },
  ];
}

/** The first variant has the target. Titles tell rows apart in the report's plots. */
function rowsBeside(of: Case, all: readonly Beside[]): ScenarioRow[] {
  return all.flatMap(({ what: [suffix, what], unit, atMost }) =>
    VARIANTS.map(({ variant, suffix: variantSuffix, beside, baseline }) => ({
      ...row(
        of,
        [`${suffix}${variantSuffix}`, `${what}${beside}`],
        unit,
        variant === 'plain' ? atMost : undefined,
      ),
      baseline,
    })),
  );
}

/** What stands in those rows. */
function figuresBeside(
  { key }: Case,
  all: readonly Beside[],
  { ours, ...peers }: Awaited<ReturnType<typeof sweepBeside>>,
): Record<string, Figure> {
  const figures = all.flatMap(({ what: [suffix], of }) =>
    VARIANTS.map(({ variant, suffix: variantSuffix }): [string, Figure] => [
      `${key}${suffix}${variantSuffix}`,
      {
        measured: of(ours.report),
        baseline: of(peers[variant].report),
        details: { pageferry: detailsOf(ours), qemu: detailsOf(peers[variant]) },
      },
    ]),
  );
  return Object.fromEntries(figures);
}

async function sweepBeside(label: string, wanted: WorkloadMigration, context: SampleContext) {
  return await inTurn(context, {
    ours: () => pageferry(label, wanted, context),
    plain: () => qemu(label, 'QEMU', asQemu(wanted), context),
    preempt: () => qemu(label, 'QEMU, preempt', asQemu(wanted, { preempt: true }), context),
  });
}

interface PostCopy extends Case {
  readonly wanted: WorkloadMigration;
  readonly label: string;
  readonly totalAtMost: number;
  readonly how: string;
}

function postCopyScenario({ wanted, label, totalAtMost, how, ...of }: PostCopy): Scenario {
  const all = besides('ms', totalAtMost, 12);
  return {
    name: of.key,
    neededBytes: 2 * memoryBytes,
    sampleSeconds: 13,
    how: `Post-copy at once, without a limit, of a guest with 1 GiB of random pages. ${how} ${HOW}`,
    rows: rowsBeside(of, all),
    skip: async () => qemuObstacle(),
    async sample(context) {
      const records = await sweepBeside(label, wanted, context);
      return { rows: figuresBeside(of, all, records), migrations: Object.values(records) };
    },
  };
}

export const peerPostCopyScenario = postCopyScenario({
  key: 'peer-swept-postcopy',
  title: '1 GiB, 256 MiB swept, post-copy, destination warm',
  wanted: POST_COPY,
  label: '1 GiB swept, post-copy',
  totalAtMost: 700,
  how: 'Both destinations touch their memory before, but QEMU drops its own again when post-copy is prepared.',
});

export const peerPostCopyColdScenario = postCopyScenario({
  key: 'peer-swept-postcopy-cold',
  title: '1 GiB, 256 MiB swept, post-copy, destination cold',
  wanted: POST_COPY_COLD,
  label: '1 GiB swept, post-copy, cold',
  totalAtMost: 900,
  how: 'Neither destination touches its memory before.',
});

const HYBRID_CASE: Case = {
  key: 'peer-swept-hybrid',
  title: '1 GiB, 256 MiB swept, hybrid over a link of 1 Gbit/s',
};
const HYBRID_BESIDE = besides('s', undefined, 40);

export const peerHybridScenario: Scenario = {
  name: HYBRID_CASE.key,
  neededBytes: 2 * memoryBytes,
  link: GIGABIT,
  warmUp: false,
  sampleSeconds: 50,
  how: `The same guest by hybrid. Neither engine is told a limit of its own. Post-copy begins after one round. QEMU tells no fault latencies. ${GIGABIT_HOW} Both destinations touch their memory before, but QEMU drops its own again when post-copy is prepared. ${HOW}`,
  rows: [...rowsBeside(HYBRID_CASE, HYBRID_BESIDE), ...gigabitRows(HYBRID_CASE)],
  skip: async () => qemuObstacle(),
  async sample(context) {
    const records = await sweepBeside('1 GiB swept, hybrid', HYBRID, context);
    return {
      rows: {
        ...figuresBeside(HYBRID_CASE, HYBRID_BESIDE, records),
        ...gigabitFigures(HYBRID_CASE, records.ours.report),
      },
      migrations: Object.values(records),
    };
  },
};
