/** When pre-copy has done enough. Pure: what a round was like goes in, a named answer comes out. */

/** What is known after a round; round 0 is the first. */
export interface RoundOutcome {
  /** Pages sent, of any codec. */
  readonly pages: number;
  readonly wireBytes: number;
  readonly ms: number;
  /** Pages that the guest wrote meanwhile and that are still to be sent. */
  readonly dirtyPages: number;
}

export type Decision = 'next-round' | 'stop-and-copy' | 'post-copy' | 'abort';

export interface ConvergenceLimits {
  /** The longest downtime that is acceptable. */
  readonly downtimeBudgetMs: number;
  readonly maxRounds: number;
  /** Total pages of the guest's memory. */
  readonly memoryPages: number;
  /** What to do when another round would not help. */
  readonly otherwise: Exclude<Decision, 'next-round'>;
}

/** Sent so often the whole memory, pre-copy is not getting anywhere (Clark et al., NSDI'05). */
const MOST_MEMORY_SENT = 3;
/** So many rounds in a row without a smaller dirty set: it has reached the writable working set. */
const ROUNDS_WITHOUT_PROGRESS = 3;
/** Rounds with fewer pages than this say little about the rate. */
const TELLING_PAGES = 512;

/**
 * Milliseconds that the final round would take if the guest were paused now: the dirty pages at the rate
 * of the last round that was large enough to tell. Infinity while nothing is known about the rate: before
 * any round, or when every page was dirty again before its turn came.
 */
export function predictDowntimeMs(rounds: readonly RoundOutcome[]): number {
  const last = rounds.at(-1);
  if (last?.dirtyPages === 0) return 0;
  const telling =
    rounds.findLast((round) => round.pages >= TELLING_PAGES) ??
    rounds.find((round) => round.pages > 0);
  if (last === undefined || telling === undefined) return Number.POSITIVE_INFINITY;
  return (last.dirtyPages * telling.ms) / telling.pages;
}

/**
 * Next round, or the end of pre-copy: Clark et al., NSDI'05, sections 3.2 and 5, with the predicted
 * downtime against a budget in place of Xen's 50 pages.
 */
export function decide(rounds: readonly RoundOutcome[], limits: ConvergenceLimits): Decision {
  if (rounds.length === 0) return 'next-round';
  if (predictDowntimeMs(rounds) <= limits.downtimeBudgetMs) return 'stop-and-copy';
  if (rounds.length >= limits.maxRounds) return limits.otherwise;
  const sent = rounds.reduce((sum, round) => sum + round.pages, 0);
  if (sent > MOST_MEMORY_SENT * limits.memoryPages) return limits.otherwise;
  return isStuck(rounds) ? limits.otherwise : 'next-round';
}

function isStuck(rounds: readonly RoundOutcome[]): boolean {
  if (rounds.length <= ROUNDS_WITHOUT_PROGRESS) return false;
  const recent = rounds.slice(-ROUNDS_WITHOUT_PROGRESS - 1);
  const before = recent[0]?.dirtyPages ?? 0;
  return recent.slice(1).every((round) => round.dirtyPages >= before);
}
