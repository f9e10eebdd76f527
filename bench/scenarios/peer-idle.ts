// An idle guest full of random pages, moved by Pageferry and by QEMU.

import { inTurn } from '../lib/in-turn.js';
import type { Scenario } from '../lib/scenario.js';
import { qemuObstacle } from '../peers/qemu-process.js';
import {
  asQemu,
  cpuSeconds,
  detailsOf,
  type PeerRecord,
  pageferry,
  qemu,
} from '../peers/side-by-side.js';
import { IDLE_RANDOM, plainRate } from './round-zero.js';

const { memoryBytes } = IDLE_RANDOM.guest.options;
const LABEL = 'idle 2 GiB, random';

/** MB/s of the guest's memory, over the whole migration. */
function rate({ report }: PeerRecord): number {
  return memoryBytes / report.totalMs / 1e3;
}

export const peerIdleScenario: Scenario = {
  name: 'peer-idle',
  neededBytes: 2 * memoryBytes,
  sampleSeconds: 16,
  how: 'Pre-copy of an idle guest with 2 GiB of random pages, without a limit, by QEMU (as it comes, and with multifd and 2 channels), by Pageferry and by plain send and recv, one after the other, the order turned round at every other repetition. A rate is the memory over the total migration time that each engine reports. Both destinations touch their memory before. QEMU’s guest fills itself; all but its first 2 MiB is random. Both may pause the guest for 50 ms, Pageferry’s default; QEMU’s 300 ms would only lengthen its downtime. QEMU reports whole milliseconds; none counts as one. CPU seconds: both processes, from the start of the migration to its end on both sides.',
  rows: [
    {
      key: 'peer-idle-multifd',
      title: '2 GiB idle, random: rate',
      unit: 'MB/s',
      better: 'higher',
      baseline: 'QEMU, multifd with 2 channels',
      target: { figure: 'ratio', atLeast: 2 },
    },
    {
      key: 'peer-idle',
      title: '2 GiB idle, random: rate, QEMU as it comes',
      unit: 'MB/s',
      better: 'higher',
      baseline: 'QEMU',
    },
    {
      key: 'peer-idle-bare',
      title: '2 GiB idle, random: rate, plain send and recv',
      unit: 'MB/s',
      better: 'higher',
      baseline: 'plain send/recv, same congestion control (cubic)',
      target: { figure: 'ratio', atLeast: 0.92 },
    },
    {
      key: 'peer-idle-downtime',
      title: '2 GiB idle, random: downtime',
      unit: 'ms',
      better: 'lower',
      baseline: 'QEMU',
      target: { figure: 'measured', atMost: 3 },
    },
    {
      key: 'peer-idle-cpu',
      title: '2 GiB idle, random: CPU time of both sides',
      unit: 's',
      better: 'lower',
      baseline: 'QEMU',
      target: { figure: 'ratio', atMost: 0.6 },
    },
  ],
  skip: async () => qemuObstacle(),
  async sample(context) {
    // Ours between the two that have a target: what is far apart in time differs by the machine too.
    const { ours, plain, multifd, bare } = await inTurn(context, {
      plain: () => qemu(LABEL, 'QEMU', asQemu(IDLE_RANDOM), context),
      multifd: () => qemu(LABEL, 'QEMU, multifd', asQemu(IDLE_RANDOM, { multifd: true }), context),
      ours: () => pageferry(LABEL, IDLE_RANDOM, context),
      bare: () => plainRate(context.signal),
    });
    const details = { pageferry: detailsOf(ours), qemu: detailsOf(plain) };
    const downtimeMs = Math.max(1, plain.report.downtimeMs);
    return {
      rows: {
        'peer-idle-multifd': {
          measured: rate(ours),
          baseline: rate(multifd),
          details: { pageferry: details.pageferry, qemu: detailsOf(multifd) },
        },
        'peer-idle': { measured: rate(ours), baseline: rate(plain), details },
        'peer-idle-bare': { measured: rate(ours), baseline: bare * 1000 },
        'peer-idle-downtime': {
          measured: ours.report.downtimeMs,
          baseline: downtimeMs,
          details: { parts: ours.report.downtimeParts, multifdMs: multifd.report.downtimeMs },
        },
        'peer-idle-cpu': {
          measured: cpuSeconds(ours),
          baseline: cpuSeconds(plain),
          details: {
            pageferry: ours.cpuSeconds,
            qemu: plain.cpuSeconds,
            multifd: multifd.cpuSeconds,
          },
        },
      },
      migrations: [ours, plain, multifd],
    };
  },
};
