// A guest that sweeps a quarter of its memory at full speed, moved by Pageferry and by QEMU.

import { inTurn } from '../lib/in-turn.js';
import type { WorkloadMigration } from '../lib/pair.js';
import type { Figure, SampleContext, Scenario, ScenarioRow } from '../lib/scenario.js';
import { qemuObstacle } from '../peers/qemu-process.js';
import { asQemu, detailsOf, type PeerRecord, pageferry, qemu } from '../peers/side-by-side.js';
import { HYBRID, POST_COPY } from './sweep.js';

const { memoryBytes } = POST_COPY.guest.options;
const HOW =
  'Both guests write one word into each page of 256 MiB in sequence, as fast as they can, and set marks: ours in memory, every 0.1 ms or after a page write that takes longer; QEMU’s every 1,024 page writes, about as often while nothing disturbs it, as a byte on its serial port, which a program of real-time priority stamps on arrival. So a QEMU guest that waits for many pages one after the other has one long gap where ours has several. The gap is the longest between two marks from the start of the migration to its end on both sides. One after the other, the order turned round at every other repetition; QEMU as it comes and with postcopy-preempt. Both destinations touch their memory before, but QEMU drops its own again when post-copy is prepared.';

const VARIANTS = [
  { variant: 'plain', suffix: '', beside: '', baseline: 'QEMU' },
  {
    variant: 'preempt',
    suffix: '-preempt',
    beside: ', QEMU: preempt',
    baseline: 'QEMU, postcopy-preempt',
  },
] as const;

/** A row for each variant of QEMU; the first has the target. Titles tell rows apart in the report's plots. */
function rowsBeside(key: string, title: string, unit: string, atMost: number): ScenarioRow[] {
  return VARIANTS.map(({ variant, suffix, beside, baseline }) => ({
    key: `${key}${suffix}`,
    title: `${title}${beside}`,
    unit,
    better: 'lower',
    baseline,
    ...(variant === 'plain' ? { target: { figure: 'measured', atMost } } : {}),
  }));
}

/** What stands in those rows. */
function figuresBeside(
  key: string,
  { ours, ...peers }: Awaited<ReturnType<typeof sweepBeside>>,
  figureOf: (report: PeerRecord['report']) => number | null,
): Record<string, Figure> {
  return Object.fromEntries(
    VARIANTS.map(({ variant, suffix }) => [
      `${key}${suffix}`,
      {
        measured: figureOf(ours.report),
        baseline: figureOf(peers[variant].report),
        details: { pageferry: detailsOf(ours), qemu: detailsOf(peers[variant]) },
      },
    ]),
  );
}

async function sweepBeside(label: string, wanted: WorkloadMigration, context: SampleContext) {
  return await inTurn(context, {
    ours: () => pageferry(label, wanted, context),
    plain: () => qemu(label, 'QEMU', asQemu(wanted), context),
    preempt: () => qemu(label, 'QEMU, preempt', asQemu(wanted, { preempt: true }), context),
  });
}

function gap({ guest }: PeerRecord['report']): number | null {
  return guest?.longestGapMs ?? null;
}

export const peerPostCopyScenario: Scenario = {
  name: 'peer-swept-postcopy',
  neededBytes: 2 * memoryBytes,
  sampleSeconds: 13,
  how: `Post-copy at once, without a limit, of a guest with 1 GiB of random pages. ${HOW}`,
  rows: [
    ...rowsBeside('peer-swept-postcopy', '1 GiB, 256 MiB swept, post-copy: total time', 'ms', 700),
    ...rowsBeside('peer-swept-postcopy-gap', '1 GiB swept, post-copy: longest gap', 'ms', 12),
  ],
  skip: async () => qemuObstacle(),
  async sample(context) {
    const records = await sweepBeside('1 GiB swept, post-copy', POST_COPY, context);
    return {
      rows: {
        ...figuresBeside('peer-swept-postcopy', records, ({ totalMs }) => totalMs),
        ...figuresBeside('peer-swept-postcopy-gap', records, gap),
      },
      migrations: Object.values(records),
    };
  },
};

function faultRow(name: string, atMost: number): ScenarioRow {
  return {
    key: `peer-swept-hybrid-fault-${name}`,
    title: `1 GiB swept, hybrid: fault latency, ${name}`,
    unit: 'ms',
    better: 'lower',
    target: { figure: 'measured', atMost },
  };
}

export const peerHybridScenario: Scenario = {
  name: 'peer-swept-hybrid',
  neededBytes: 2 * memoryBytes,
  warmUp: false,
  sampleSeconds: 42,
  how: `The same guest by hybrid at 1 Gbit/s, each engine’s own rate limit; Pageferry’s does not hold back pages that the guest waits for. Post-copy begins after one round. QEMU tells no fault latencies. ${HOW}`,
  rows: [
    ...rowsBeside('peer-swept-hybrid', '1 GiB swept, hybrid at 1 Gbit/s: total time', 's', 10.5),
    ...rowsBeside('peer-swept-hybrid-gap', '1 GiB swept, hybrid: longest gap', 'ms', 40),
    faultRow('p99', 2),
    faultRow('max', 10),
  ],
  skip: async () => qemuObstacle(),
  async sample(context) {
    const records = await sweepBeside('1 GiB swept, hybrid', HYBRID, context);
    const { faultLatencyUs } = records.ours.report;
    return {
      rows: {
        ...figuresBeside('peer-swept-hybrid', records, ({ totalMs }) => totalMs / 1000),
        ...figuresBeside('peer-swept-hybrid-gap', records, gap),
        'peer-swept-hybrid-fault-p99': { measured: faultLatencyUs.p99 / 1000 },
        'peer-swept-hybrid-fault-max': { measured: faultLatencyUs.max / 1000 },
      },
      migrations: Object.values(records),
    };
  },
};
