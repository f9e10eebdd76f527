export interface Step {
  startMs: number;
  endMs: number;
  perSecond: number;
  isAway?: boolean;
}

export interface Reading {
  atMs: number;
  operations: number | null;
}

export function steps(points: readonly Reading[], key: 'operations'): Step[];
export function smoothed(found: readonly Step[], ms: number): Step[];
export function guestSteps(timeline: {
  source: readonly Reading[];
  destination: readonly Reading[];
  pausedAtMs: number | null;
  resumedAtMs: number | null;
}): Step[];
