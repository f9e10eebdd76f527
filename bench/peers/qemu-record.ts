// A migration of QEMU's as the result file has it.

import type { Gaps } from '../agents/messages.js';
import type { MigrationRecord } from '../lib/scenario.js';
import { LOOPBACK, linkRateOf } from '../links/wanted-link.js';
import type { DestinationPoint, Report, Timeline } from '../result/schema.js';
import { gapsAround, markCounter } from './marks.js';
import type { QemuMigrationOptions, QemuRun } from './qemu-migration.js';
import { accelerator } from './qemu-process.js';
import { qemuProgram } from './qemu-program.js';
import { PAGES_PER_MARK } from './rom.js';

const DESTINATION_POINT_EVERY_MS = 10;

/** How many pages the guest had written at a moment. */
type PageWrites = (ms: number) => number;

/** Both sides' points. What the guest did is known from the marks, more finely than QEMU is asked. */
function timelineOf(
  { points, startedMs, endedMs, pausedMs, resumedMs }: QemuRun,
  pageWrites: PageWrites | null,
): Timeline {
  const since = (ms: number | null) => (ms === null ? null : ms - startedMs);
  const operations = (atMs: number) => pageWrites?.(startedMs + atMs) ?? null;
  const resumedAtMs = since(resumedMs);
  const destination: DestinationPoint[] = [];
  if (resumedAtMs !== null && pageWrites !== null) {
    for (let atMs = resumedAtMs; atMs <= endedMs - startedMs; atMs += DESTINATION_POINT_EVERY_MS) {
      destination.push({ atMs, demandFaults: null, operations: operations(atMs) });
    }
  }
  return {
    source: points.map((point) => ({ ...point, operations: operations(point.atMs) })),
    destination,
    pausedAtMs: since(pausedMs),
    resumedAtMs,
    rounds: [],
    stalls: null,
  };
}

/** What the guest felt, or null for one that sets no marks. */
function guestReport(
  { startedMs, endedMs, replay }: QemuRun,
  gapsMs: Gaps | null,
  pageWrites: PageWrites | null,
  wanted: QemuMigrationOptions,
): Report['guest'] {
  if (replay !== null) {
    return {
      workload: workloadOf(wanted),
      longestGapMs: null,
      opsPerSecondBefore: null,
      opsPerSecondDuring: replay.pagesPerSecond,
      opsPerSecondAfter: null,
    };
  }
  if (gapsMs === null || pageWrites === null) return null;
  const { observeMs = 0 } = wanted;
  const perSecond = (fromMs: number, toMs: number) =>
    ((pageWrites(toMs) - pageWrites(fromMs)) / (toMs - fromMs)) * 1000;
  const before = perSecond(startedMs - observeMs, startedMs);
  const during = perSecond(startedMs, endedMs);
  return {
    workload: workloadOf(wanted),
    longestGapMs: Math.max(gapsMs.before, gapsMs.across, gapsMs.after),
    lostMs: before > 0 ? (endedMs - startedMs) * (1 - during / before) : null,
    opsPerSecondBefore: before,
    opsPerSecondDuring: during,
    opsPerSecondAfter: null,
  };
}

function workloadOf({ guest, image }: QemuMigrationOptions): string {
  if (image !== undefined && image.steps.steps.length > 0) return 'snapshots';
  return (guest.workingSetBytes ?? 0) > 0 ? 'sequential' : 'idle';
}

function fillOf({ guest, image }: QemuMigrationOptions): string {
  if (image !== undefined) return 'image';
  // Pages that were touched and others are pages of zeros alike; which they are stands in the label.
  return guest.fill === 'random' ? 'random' : 'zero';
}

/** `wanted` is what migrateQemu was told, `run` what it answered. */
export function qemuRecordOf(label: string, wanted: QemuMigrationOptions, run: QemuRun) {
  const { guest, strategy, bandwidthBytesPerSecond, multifd = false, preempt = false } = wanted;
  const { link = LOOPBACK, multifdCompression = null, xbzrleCacheBytes = null } = wanted;
  const { figures, stamps, startedMs, endedMs, replay } = run;
  const gapsMs = gapsAround(stamps, startedMs, endedMs);
  const marks = markCounter(stamps);
  const pageWrites: PageWrites | null =
    stamps.length === 0 ? null : (ms) => marks(ms) * PAGES_PER_MARK;
  return {
    label,
    parameters: {
      engine: 'qemu',
      version: qemuProgram().version,
      accelerator: accelerator(),
      strategy,
      multifd,
      multifdCompression,
      xbzrleCacheBytes,
      preempt,
      memoryBytes: guest.memoryBytes,
      workingSetBytes: guest.workingSetBytes ?? null,
      linkBytesPerSecond: bandwidthBytesPerSecond ?? linkRateOf(link),
      dirtyRatio: null,
      fill: fillOf(wanted),
      workload: workloadOf(wanted),
      writesPerSecond: null,
    },
    report: {
      strategy,
      outcome: 'completed',
      memoryBytes: guest.memoryBytes,
      totalMs: figures['total-time'],
      downtimeMs: figures.downtime,
      pagesSent: figures.ram.normal + figures.ram.duplicate,
      wireBytes: replay?.sentBytes ?? figures.ram.transferred,
      guest: guestReport(run, gapsMs, pageWrites, wanted),
      // All that QEMU says about it, in its own words.
      queryMigrate: figures,
    },
    timeline: timelineOf(run, pageWrites),
    cpuSeconds: run.cpuSeconds,
    gapsMs,
  } satisfies MigrationRecord & Record<string, unknown>;
}
