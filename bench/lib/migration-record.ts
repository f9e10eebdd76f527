// A migration of ours as the result file has it.
import type { TrackerKind, WorkloadChoice } from '#engine/index.js';
import { memoryBytesOf } from '../agents/guests.js';
import type { WantedStrategy } from '../agents/messages.js';
import { linkRateOf } from '../links/wanted-link.js';
import type { MigrationRun, WantedMigration } from './pair.js';
import type { MigrationRecord } from './scenario.js';

const SECOND_MS = 1000;

interface Varied {
  readonly tracker?: TrackerKind;
  readonly linkBytesPerSecond?: number | null;
  readonly dirtyRatio?: number | null;
  readonly rttMs?: number | null;
}

export function strategyName(strategy: WantedStrategy): string {
  return typeof strategy === 'string' ? strategy : strategy.name;
}

/** As on the command line. */
function nameOf(workload: WorkloadChoice | WantedMigration['guest']['kind']): string {
  if (typeof workload === 'string') return workload;
  return workload.kind === 'trace' ? `trace:${workload.path}` : workload.kind;
}

/** `varied` is what the options of the two do not say: the link's rate, the dirty ratio, the tracker. */
export function recordOf(
  label: string,
  { guest, source, destination = {} }: WantedMigration,
  run: MigrationRun,
  varied: Varied = {},
) {
  const options = guest.kind === 'workload' ? guest.options : undefined;
  return {
    label,
    parameters: {
      engine: 'pageferry',
      strategy: strategyName(source.strategy),
      memoryBytes: memoryBytesOf(guest),
      ...(guest.kind === 'sparse' ? { populatedBytes: guest.populatedBytes } : {}),
      workingSetBytes: options?.workingSetBytes ?? null,
      linkBytesPerSecond: source.bandwidthBytesPerSecond ?? linkRateOf(run.link),
      dirtyRatio: null,
      fill: options?.fill?.kind ?? 'zero',
      workload: nameOf(options?.workload ?? guest.kind),
      writesPerSecond: options?.writesPerSecond ?? null,
      ...varied,
    },
    report: { ...run.report },
    timeline: run.timeline,
    cpuSeconds: {
      source: run.source.cpuMs / SECOND_MS,
      destination: run.destination.cpuMs / SECOND_MS,
    },
    // Everything that the two sides were told: with it this migration can be made again.
    told: { guest, source, destination },
    // The longest gap between two marks of the guest: before, across and after the switchover.
    gapsMs: run.destination.gapsMs,
  } satisfies MigrationRecord & Record<string, unknown>;
}
