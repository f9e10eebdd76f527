// An idle guest full of random pages, moved by Pageferry and by QEMU.

import { inTurn } from '../lib/in-turn.js';
import type { Scenario } from '../lib/scenario.js';
import { qemuObstacle } from '../peers/qemu-process.js';
import { namesQemu } from '../peers/qemu-program.js';
import {
  asQemu,
  cpuSeconds,
  detailsOf,
  type PeerRecord,
  pageferry,
  qemu,
  WHAT_IS_COMPARED,
} from '../peers/side-by-side.js';
import { IDLE_RANDOM, IDLE_RANDOM_COLD, plainRate } from './round-zero.js';

const { memoryBytes } = IDLE_RANDOM.guest.options;
const LABEL = 'idle 2 GiB, random';
const COLD_LABEL = `${LABEL}, cold`;
const MULTIFD = namesQemu('multifd with 2 channels');

/** MB/s of the guest's memory, over the whole migration. */
function rate({ report }: PeerRecord): number {
  return memoryBytes / report.totalMs / 1e3;
}

export const peerIdleScenario: Scenario = {
  name: 'peer-idle',
  neededBytes: 2 * memoryBytes,
  sampleSeconds: 16,
  how: `Pre-copy of an idle guest with 2 GiB of random pages, without a limit, by QEMU (as it comes, and with multifd and 2 channels), by Pageferry and by plain send and recv, one after the other, the order turned round at every other repetition. A rate is the memory over the total migration time that each engine reports. Both destinations touch their memory before. QEMU’s guest fills itself; all but its first 2 MiB is random. Both may pause the guest for 50 ms, Pageferry’s default; QEMU’s 300 ms would only lengthen its downtime. QEMU reports whole milliseconds; none counts as one. CPU seconds: both processes, from the start of the migration to its end on both sides. ${WHAT_IS_COMPARED}`,
  rows: [
    {
      key: 'peer-idle-multifd',
      title: '2 GiB idle, random, destination warm: rate, QEMU: multifd',
      unit: 'MB/s',
      better: 'higher',
      baseline: MULTIFD,
      target: { figure: 'ratio', atLeast: 2 },
    },
    {
      key: 'peer-idle',
      title: '2 GiB idle, random, destination warm: rate, QEMU as it comes',
      unit: 'MB/s',
      better: 'higher',
      baseline: namesQemu(),
    },
    {
      key: 'peer-idle-bare',
      title: '2 GiB idle, random, destination warm: rate, plain send and recv',
      unit: 'MB/s',
      better: 'higher',
      baseline: 'plain send/recv, same congestion control (cubic)',
      target: { figure: 'ratio', atLeast: 0.92 },
    },
    {
      key: 'peer-idle-downtime',
      title: '2 GiB idle, random, destination warm: downtime',
      unit: 'ms',
      better: 'lower',
      baseline: namesQemu(),
      target: { figure: 'measured', atMost: 3 },
    },
    {
      key: 'peer-idle-cpu',
      title: '2 GiB idle, random, destination warm: CPU time of both sides',
      unit: 's',
      better: 'lower',
      baseline: namesQemu(),
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

export const peerIdleColdScenario: Scenario = {
  name: 'peer-idle-cold',
  neededBytes: 2 * memoryBytes,
  sampleSeconds: 14,
  how: `The same guest into destinations that have touched nothing: QEMU without prealloc, with multifd and 2 channels; Pageferry without prepared memory; and Pageferry into prepared memory, so that its own two can be compared. One after the other, the order turned round at every other repetition. A rate is the memory over the total migration time that each engine reports. ${WHAT_IS_COMPARED}`,
  rows: [
    {
      key: 'peer-idle-cold-multifd',
      title: '2 GiB idle, random, destination cold: rate, QEMU: multifd',
      unit: 'MB/s',
      better: 'higher',
      baseline: MULTIFD,
      target: { figure: 'ratio', atLeast: 2 },
    },
    {
      key: 'peer-idle-cold-warm',
      title: '2 GiB idle, random, destination cold: rate beside its own into a warm one',
      unit: 'MB/s',
      better: 'higher',
      baseline: 'Pageferry, destination warm',
      target: { figure: 'ratio', atLeast: 0.8 },
    },
    {
      key: 'peer-idle-cold-downtime',
      title: '2 GiB idle, random, destination cold: downtime, QEMU: multifd',
      unit: 'ms',
      better: 'lower',
      baseline: MULTIFD,
    },
  ],
  skip: async () => qemuObstacle(),
  async sample(context) {
    const wanted = asQemu(IDLE_RANDOM_COLD, { multifd: true });
    const { cold, warm, multifd } = await inTurn(context, {
      multifd: () => qemu(COLD_LABEL, 'QEMU, multifd', wanted, context),
      cold: () => pageferry(COLD_LABEL, IDLE_RANDOM_COLD, context),
      warm: () => pageferry(LABEL, IDLE_RANDOM, context),
    });
    const details = { pageferry: detailsOf(cold), qemu: detailsOf(multifd) };
    return {
      rows: {
        'peer-idle-cold-multifd': { measured: rate(cold), baseline: rate(multifd), details },
        'peer-idle-cold-warm': { measured: rate(cold), baseline: rate(warm) },
        'peer-idle-cold-downtime': {
          measured: cold.report.downtimeMs,
          baseline: Math.max(1, multifd.report.downtimeMs),
        },
      },
      migrations: [cold, warm, multifd],
    };
  },
};
