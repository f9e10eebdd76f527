import type { MigrationReport, WorkloadOptions } from '../../src/index.js';
import type { WantedLink } from '../links/index.mjs';
import type { Stall } from './stall-watch.mjs';

/** A part of what migrateOnce() takes and answers: what tests use. */
export function migrateOnce(options: {
  readonly link: WantedLink;
  readonly guest: { readonly kind: 'workload'; readonly options: WorkloadOptions };
  readonly source: {
    readonly strategy: string;
    readonly verify?: boolean;
    readonly bandwidthBytesPerSecond?: number;
  };
  readonly timeline?: boolean;
  readonly signal?: AbortSignal;
  readonly onPhase?: (phase: string) => void;
}): Promise<{
  readonly report: MigrationReport;
  readonly timeline: { readonly stalls: readonly Stall[] | null } | null;
}>;
