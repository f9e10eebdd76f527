/** The four ways to migrate: each only says, after every round, what comes next. */
import {
  type ConvergenceLimits,
  type Decision,
  decide,
  type RoundOutcome,
} from '../policy/convergence.js';

export interface Strategy {
  /** For the report; one of STRATEGY_NAMES, or a name of your own. */
  readonly name: string;
  /** True when it may end in post-copy, so that the destination must be able to serve faults. */
  readonly mayServeFaults: boolean;
  /** Asked before the first round and after each one, while the guest runs. */
  next(rounds: readonly RoundOutcome[]): Decision;
}

/** Pause, send everything, resume there. The longest downtime, and the yardstick for the others. */
export function stopAndCopy(): Strategy {
  return { name: 'stop-and-copy', mayServeFaults: false, next: () => 'stop-and-copy' };
}

/** Rounds while the guest runs, until the rest fits the downtime budget (Clark et al., NSDI'05). */
export function preCopy(limits: ConvergenceLimits): Strategy {
  return {
    name: 'pre-copy',
    mayServeFaults: limits.otherwise === 'post-copy',
    next: (rounds) => decide(rounds, limits),
  };
}

/** Switch over at once; pages follow on demand and by active push (Hines & Gopalan, VEE'09). */
export function postCopy(): Strategy {
  return { name: 'post-copy', mayServeFaults: true, next: () => 'post-copy' };
}

/** One round while the guest runs, then post-copy of what it wrote meanwhile (Hines & Gopalan, OSR'09). */
export function hybrid(): Strategy {
  return {
    name: 'hybrid',
    mayServeFaults: true,
    next: (rounds) => (rounds.length === 0 ? 'next-round' : 'post-copy'),
  };
}
