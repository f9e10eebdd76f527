import type { Stamp } from './marks.mjs';
import type { QemuGuest } from './rom.mjs';

export interface WantedQemuMigration {
  readonly guest: QemuGuest;
  readonly strategy: 'pre-copy' | 'post-copy' | 'hybrid';
  readonly multifd?: boolean;
  readonly preempt?: boolean;
  readonly bandwidthBytesPerSecond?: number | undefined;
  readonly populateDestination?: boolean;
  readonly observeMs?: number | undefined;
  readonly signal?: AbortSignal;
}

export interface QemuMigration {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly pausedMs: number | null;
  readonly resumedMs: number | null;
  readonly cpuSeconds: { readonly source: number; readonly destination: number };
  readonly figures: {
    readonly status: string;
    readonly 'total-time': number;
    readonly downtime: number;
    readonly ram: { readonly normal: number; readonly duplicate: number };
  };
  readonly stamps: readonly Stamp[];
}

export function migrateQemu(wanted: WantedQemuMigration): Promise<QemuMigration>;
