/** The four ways to migrate: each only says, after every round, what comes next. */
import { PageferryError } from '../errors.js';
import { checkOptions } from '../options/field.js';
import { CONVERGENCE_LIMITS, OWN_STRATEGY } from '../options/source-fields.js';
import {
  type ConvergenceLimits,
  DECISIONS,
  type Decision,
  decide,
  type PreCopyDecision,
  type RoundOutcome,
} from '../policy/convergence.js';

export interface Strategy {
  /** For the report; one of STRATEGY_NAMES, or a name of your own with at most 64 characters. */
  readonly name: string;
  /** True when it may end in post-copy, so that the destination must be able to serve faults. */
  readonly mayServeFaults: boolean;
  /** False when it makes at most one round: then nothing is kept of what was sent, as the base of deltas. True by default. */
  readonly repeats?: boolean;
  /**
   * Asked before the first round and after each one, while the guest runs. Pre-copy says what its decision rests on,
   * too, for the report.
   *
   * One that throws, answers something else, or answers post-copy without `mayServeFaults`, ends the migration with
   * USAGE; the guest runs on where it is.
   */
  next(rounds: readonly RoundOutcome[]): Decision | PreCopyDecision;
}

/** Pause, send everything, resume there. The longest downtime, and the yardstick for the others. */
export function stopAndCopy(): Strategy {
  return {
    name: 'stop-and-copy',
    mayServeFaults: false,
    repeats: false,
    next: () => 'stop-and-copy',
  };
}

/**
 * Rounds while the guest runs, until the rest fits the downtime budget (Clark et al., NSDI'05). Throws USAGE for limits
 * that make no sense.
 */
export function preCopy(limits: ConvergenceLimits): Strategy {
  checkOptions('pre-copy', CONVERGENCE_LIMITS, limits);
  return {
    name: 'pre-copy',
    mayServeFaults: limits.otherwise === 'post-copy',
    next: (rounds) => decide(rounds, limits),
  };
}

/** Switch over at once; pages follow on demand and by active push (Hines & Gopalan, VEE'09). */
export function postCopy(): Strategy {
  return { name: 'post-copy', mayServeFaults: true, repeats: false, next: () => 'post-copy' };
}

/** One round while the guest runs, then post-copy of what it wrote meanwhile (Hines & Gopalan, OSR'09). */
export function hybrid(): Strategy {
  return {
    name: 'hybrid',
    mayServeFaults: true,
    repeats: false,
    next: (rounds) => (rounds.length === 0 ? 'next-round' : 'post-copy'),
  };
}

/** A strategy that somebody else wrote. Throws USAGE when it cannot be one. */
export function ownStrategy(strategy: Strategy): Strategy {
  checkOptions('the strategy', OWN_STRATEGY, strategy);
  return strategy;
}

/** What the strategy wants next. Throws USAGE when that makes no sense. */
export function ask(
  strategy: Strategy,
  rounds: readonly RoundOutcome[],
): { readonly decision: Decision; readonly preCopy: PreCopyDecision | null } {
  const answer = answerOf(strategy, rounds);
  return isOfPreCopy(answer)
    ? { decision: checked(strategy, answer.decision), preCopy: answer }
    : { decision: checked(strategy, answer), preCopy: null };
}

function isOfPreCopy(answer: unknown): answer is PreCopyDecision {
  if (typeof answer !== 'object' || answer === null || !('decision' in answer)) return false;
  const { predictedDowntimeMs, downtimeBudgetMs } = answer as Partial<PreCopyDecision>;
  return typeof predictedDowntimeMs === 'number' && typeof downtimeBudgetMs === 'number';
}

function answerOf(strategy: Strategy, rounds: readonly RoundOutcome[]): unknown {
  try {
    return strategy.next(rounds);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('USAGE', `the strategy ${strategy.name} failed: ${reason}`, {
      cause: error,
    });
  }
}

function checked(strategy: Strategy, answer: unknown): Decision {
  const decision = DECISIONS.find((one) => one === answer);
  if (decision === undefined) {
    // Should it be a promise, then nobody waits for it.
    if (answer instanceof Promise) answer.catch(() => {});
    const what = typeof answer === 'string' ? `'${answer.slice(0, 40)}'` : typeof answer;
    throw new PageferryError(
      'USAGE',
      `the strategy ${strategy.name} answered ${what}. It may answer ${DECISIONS.join(', ')}`,
    );
  }
  if (decision === 'post-copy' && !strategy.mayServeFaults) {
    throw new PageferryError(
      'USAGE',
      `the strategy ${strategy.name} answered post-copy, but says that it never does. Set mayServeFaults`,
    );
  }
  return decision;
}
