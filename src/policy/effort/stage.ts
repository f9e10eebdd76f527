/** What a plan becomes when the guest is paused, or runs at the other end. Pure. */
import type { EffortPlan, Rung } from '../../native/effort.js';
import { zstd } from './plan.js';

/** `live`: rounds while the guest runs here. `final`: it is paused. `push`: it runs there and may wait for each page. */
export type Stage = 'live' | 'final' | 'push';

/** Somebody waits: a longer search for fewer bytes would keep a page in the encoder for milliseconds. */
const MOST_ZSTD_LEVEL = 1;

export function stagePlan(plan: EffortPlan, stage: Stage): EffortPlan {
  if (stage === 'live') return plan;
  const lower = bounded(plan.lower);
  // The push keeps below the link's rate, so no queue says which of the two it is.
  if (stage === 'push') return { ...plan, lower, upper: lower, deltas: 'none' };
  return { ...plan, lower, upper: bounded(plan.upper) };
}

function bounded(rung: Rung): Rung {
  const isSlow =
    rung.method === 'blocks' && rung.encoding === 'zstd' && rung.level > MOST_ZSTD_LEVEL;
  return isSlow ? zstd(MOST_ZSTD_LEVEL) : rung;
}
