// A guest that sweeps a quarter of its memory at full speed: pre-copy would never end.
import { recordOf } from '../lib/migration-record.mjs';
import { migrateOnce } from '../lib/pair.mjs';

const MEMORY_BYTES = 2 ** 30;
const SWEPT_BYTES = 256 * 2 ** 20;
/** Page writes between two marks, as many as between the marks of the bench's QEMU guest. */
const WRITES_PER_MARK = 1024;
const GBIT_BYTES_PER_SECOND = 125_000_000;
const OBSERVE_MS = 300;

function migration(strategy, bandwidthBytesPerSecond) {
  return {
    guest: {
      kind: 'workload',
      options: {
        workload: 'sequential',
        memoryBytes: MEMORY_BYTES,
        workingSetBytes: SWEPT_BYTES,
        operationsPerMark: WRITES_PER_MARK,
        fill: { kind: 'random' },
      },
    },
    source: {
      strategy,
      observeMs: OBSERVE_MS,
      ...(bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }),
    },
    destination: { prepare: true },
    timeline: true,
  };
}

function row(key, title, unit, atMost) {
  return { key, title, unit, better: 'lower', target: { figure: 'measured', atMost } };
}

function gapDetails(report, { gapsMs }) {
  const { longestGapMs, opsPerSecondBefore, opsPerSecondDuring } = report.guest;
  return { longestGapMs, gapsMs, opsPerSecondBefore, opsPerSecondDuring };
}

async function sweep(wanted, label, { signal, link }) {
  const run = await migrateOnce({ ...wanted, signal, link });
  return { ...run, record: recordOf(label, wanted, run) };
}

export const POST_COPY = migration('post-copy');
export const HYBRID = migration('hybrid', GBIT_BYTES_PER_SECOND);

export const sweptPostCopyScenario = {
  name: 'swept-post-copy',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 4,
  mostRepetitions: 3,
  how: 'Post-copy of a guest with 1 GiB of random pages that writes 256 MiB of them in sequence, at full speed, destination populated before. A mark is every 1,024 page writes; the gap is the longest between two marks, from the start of the migration to its end.',
  rows: [
    row('swept-post-copy', '1 GiB, 256 MiB swept, post-copy: total migration time', 'ms', 700),
    row('swept-post-copy-gap', 'The same: longest gap between marks', 'ms', 12),
  ],
  async sample(context) {
    const { report, destination, record } = await sweep(POST_COPY, 'swept, post-copy', context);
    const { totalMs, faultLatencyUs, guest } = report;
    return {
      rows: {
        'swept-post-copy': { measured: totalMs, details: { faultLatencyUs } },
        'swept-post-copy-gap': {
          measured: guest.longestGapMs,
          details: gapDetails(report, destination),
        },
      },
      migrations: [record],
    };
  },
};

export const sweptHybridScenario = {
  name: 'swept-hybrid',
  neededBytes: 2 * MEMORY_BYTES,
  mostRepetitions: 2,
  warmUp: false,
  sampleSeconds: 13,
  how: 'The same guest by hybrid at 1 Gbit/s (the engine’s own rate limit), at most twice. The limit does not hold back pages that the guest waits for. Fault latency: from the moment the fault handler reads the fault until the thread is awake.',
  rows: [
    row('swept-hybrid', 'The same, hybrid at 1 Gbit/s: total migration time', 's', 10.5),
    row('swept-hybrid-gap', 'The same: longest gap between marks', 'ms', 40),
    row('swept-hybrid-fault-p99', 'The same: fault latency, p99', 'ms', 2),
    row('swept-hybrid-fault-max', 'The same: fault latency, max', 'ms', 10),
  ],
  async sample(context) {
    const { report, destination, record } = await sweep(HYBRID, 'swept, hybrid', context);
    const { totalMs, faultLatencyUs, guest } = report;
    return {
      rows: {
        'swept-hybrid': { measured: totalMs / 1000, details: { faultLatencyUs } },
        'swept-hybrid-gap': {
          measured: guest.longestGapMs,
          details: gapDetails(report, destination),
        },
        'swept-hybrid-fault-p99': { measured: faultLatencyUs.p99 / 1000 },
        'swept-hybrid-fault-max': { measured: faultLatencyUs.max / 1000 },
      },
      migrations: [record],
    };
  },
};
