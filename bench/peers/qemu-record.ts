// A migration of QEMU's as the result file has it.
import { gapsAround, markCounter } from './marks.mjs';
import { accelerator, qemuVersion } from './qemu-process.mjs';
import { PAGES_PER_MARK } from './rom.mjs';

const DESTINATION_POINT_EVERY_MS = 10;

/** Both sides' points. What the guest did is known from the marks, more finely than QEMU is asked. */
function timelineOf({ points, startedMs, endedMs, pausedMs, resumedMs }, pageWrites) {
  const since = (ms) => (ms === null ? null : ms - startedMs);
  const operations = (atMs) => pageWrites?.(startedMs + atMs) ?? null;
  const resumedAtMs = since(resumedMs);
  const destination = [];
  if (resumedAtMs !== null && pageWrites !== null) {
    for (let atMs = resumedAtMs; atMs <= since(endedMs); atMs += DESTINATION_POINT_EVERY_MS) {
      destination.push({ atMs, demandFaults: null, operations: operations(atMs) });
    }
  }
  return {
    source: points.map((point) => ({ ...point, operations: operations(point.atMs) })),
    destination,
    pausedAtMs: since(pausedMs),
    resumedAtMs,
    rounds: [],
  };
}

/** What the guest felt, or null for one that sets no marks. */
function guestReport({ startedMs, endedMs }, gapsMs, pageWrites, { guest, observeMs }) {
  if (gapsMs === null) return null;
  const perSecond = (fromMs, toMs) =>
    ((pageWrites(toMs) - pageWrites(fromMs)) / (toMs - fromMs)) * 1000;
  return {
    workload: workloadOf(guest),
    longestGapMs: Math.max(gapsMs.before, gapsMs.across, gapsMs.after),
    opsPerSecondBefore: perSecond(startedMs - observeMs, startedMs),
    opsPerSecondDuring: perSecond(startedMs, endedMs),
    opsPerSecondAfter: null,
  };
}

function workloadOf({ workingSetBytes = 0 }) {
  return workingSetBytes > 0 ? 'sequential' : 'idle';
}

/** `wanted` is what migrateQemu was told, `run` what it answered. */
export function qemuRecordOf(label, wanted, run) {
  const { guest, strategy, bandwidthBytesPerSecond, multifd = false, preempt = false } = wanted;
  const { figures, stamps, startedMs, endedMs } = run;
  const gapsMs = gapsAround(stamps, startedMs, endedMs);
  const marks = markCounter(stamps);
  const pageWrites = stamps.length === 0 ? null : (ms) => marks(ms) * PAGES_PER_MARK;
  return {
    label,
    parameters: {
      engine: 'qemu',
      version: qemuVersion(),
      accelerator: accelerator(),
      strategy,
      multifd,
      preempt,
      memoryBytes: guest.memoryBytes,
      workingSetBytes: guest.workingSetBytes ?? null,
      linkBytesPerSecond: bandwidthBytesPerSecond ?? null,
      dirtyRatio: null,
      // Both are pages of zeros; whether they were touched stands in the label.
      fill: guest.fill === 'random' ? 'random' : 'zero',
      workload: workloadOf(guest),
      writesPerSecond: null,
    },
    report: {
      strategy,
      outcome: 'completed',
      memoryBytes: guest.memoryBytes,
      totalMs: figures['total-time'],
      downtimeMs: figures.downtime,
      pagesSent: figures.ram.normal + figures.ram.duplicate,
      wireBytes: figures.ram.transferred,
      guest: guestReport(run, gapsMs, pageWrites, wanted),
      // All that QEMU says about it, in its own words.
      queryMigrate: figures,
    },
    timeline: timelineOf(run, pageWrites),
    cpuSeconds: run.cpuSeconds,
    gapsMs,
  };
}
