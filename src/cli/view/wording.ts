/** How phases and results read in both views. */
import type { MigrationReport, SourcePhase } from '../../index.js';
import { formatDuration } from '../../units.js';

const PHASES: Readonly<Record<SourcePhase, string>> = {
  negotiate: 'connecting',
  'open-channels': 'opening channels',
  'copy-rounds': 'copying',
  'pause-guest': 'pausing the guest',
  'final-round': 'final round, guest paused',
  'commit-switchover': 'switching over',
  'push-residual-set': 'active push',
  finish: 'waiting for the last page',
  verify: 'verifying every page',
};

export function phaseText(phase: SourcePhase): string {
  return PHASES[phase];
}

/** `verified`, `not compared`, `DIFFERENT`, `failed`, `cancelled`. */
export function verdict(report: MigrationReport): string {
  if (report.guestVerified === false) return 'DIFFERENT';
  if (report.error !== null && report.guestLocation !== 'source') return report.guestLocation;
  if (report.outcome !== 'completed') return report.outcome;
  return report.guestVerified === true ? 'verified' : 'not compared';
}

/** True when nothing about it needs a second look. */
export function isGood(report: MigrationReport): boolean {
  return report.outcome === 'completed' && report.guestVerified !== false && report.error === null;
}

export function optionalDuration(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : formatDuration(ms);
}

/** An idle guest makes no marks, and so has no gaps. */
export function gapText(report: MigrationReport): string {
  return optionalDuration(report.guest?.longestGapMs || null);
}
