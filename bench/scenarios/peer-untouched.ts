// What size alone costs Pageferry and QEMU: guests whose memory holds nothing, untouched or touched.

import { inTurn } from '../lib/in-turn.js';
import type { WorkloadMigration } from '../lib/pair.js';
import type { Scenario } from '../lib/scenario.js';
import { qemuObstacle } from '../peers/qemu-process.js';
import { namesQemu } from '../peers/qemu-program.js';
import { asQemu, detailsOf, pageferry, qemu, WHAT_IS_COMPARED } from '../peers/side-by-side.js';
import { TOUCHED, UNTOUCHED } from './untouched.js';

const HOW =
  'Total migration time as each engine reports it, one after the other, the order turned round at every other repetition. Neither destination touches its memory before: a page of zeros need not be there.';

interface TotalScenario extends Pick<Scenario, 'name' | 'how' | 'neededBytes' | 'sampleSeconds'> {
  readonly title: string;
  readonly label: string;
  readonly wanted: WorkloadMigration;
  readonly atMost: number;
}

/** A scenario of one row: the total migration time of this guest. */
function totalScenario({ title, label, wanted, atMost, ...facts }: TotalScenario): Scenario {
  const { name, how } = facts;
  return {
    ...facts,
    how: `${how} ${HOW} ${WHAT_IS_COMPARED}`,
    rows: [
      {
        key: name,
        title,
        unit: 'ms',
        better: 'lower',
        baseline: namesQemu(),
        target: { figure: 'measured', atMost },
      },
    ],
    skip: async () => qemuObstacle(),
    async sample(context) {
      const { ours, peer } = await inTurn(context, {
        ours: () => pageferry(label, wanted, context),
        peer: () => qemu(label, 'QEMU', asQemu(wanted), context),
      });
      return {
        rows: {
          [name]: {
            measured: ours.report.totalMs,
            baseline: peer.report.totalMs,
            details: { pageferry: detailsOf(ours), qemu: detailsOf(peer) },
          },
        },
        migrations: [ours, peer],
      };
    },
  };
}

export const peerUntouchedScenario = totalScenario({
  name: 'peer-untouched',
  title: '4 GiB untouched: total migration time',
  label: '4 GiB untouched',
  wanted: UNTOUCHED,
  atMost: 25,
  neededBytes: 2 ** 30,
  sampleSeconds: 1.5,
  how: 'Pre-copy of an idle guest of 4 GiB that has touched nothing; QEMU’s nothing but its program and page tables.',
});

export const peerTouchedZeroScenario = totalScenario({
  name: 'peer-touched-zero',
  title: '4 GiB touched, all zero: total migration time',
  label: '4 GiB touched, all zero',
  wanted: TOUCHED,
  atMost: 250,
  neededBytes: TOUCHED.guest.options.memoryBytes + 2 ** 30,
  sampleSeconds: 9,
  how: 'Pre-copy of an idle guest of 4 GiB that has touched every page and holds zeros.',
});
