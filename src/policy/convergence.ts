/** When pre-copy has done enough. Pure: what the rounds were like goes in, a named answer comes out. */

/** What is known after a round; round 0 is the first. */
export interface RoundOutcome {
  /** Pages sent, of any content: the sum of the next three. */
  readonly pages: number;
  readonly pagesRaw: number;
  /** These take next to no bytes. */
  readonly pagesZero: number;
  /** In fewer bytes than they have. */
  readonly pagesEncoded: number;
  /** Of these, those that were sent as what had changed of them, and their bytes on the wire. */
  readonly pagesDelta: number;
  readonly bytesDelta: number;
  readonly wireBytes: number;
  readonly ms: number;
  /** Pages that the guest wrote meanwhile and that are still to be sent. */
  readonly dirtyPages: number;
}

/** What comes after a round. */
export const DECISIONS = ['next-round', 'stop-and-copy', 'post-copy', 'abort'] as const;
export type Decision = (typeof DECISIONS)[number];

/** What pre-copy can do when another round would not help. */
export const ALTERNATIVES = ['stop-and-copy', 'post-copy', 'abort'] as const;
export type Alternative = (typeof ALTERNATIVES)[number];

/** Why pre-copy made no more rounds, although the rest does not fit the downtime budget. */
export type Obstacle = 'max-rounds' | 'memory-sent' | 'no-progress';

/** A decision of pre-copy, and what it rests on. */
export type PreCopyDecision = {
  /** Milliseconds; Infinity while nothing is known about the rate. */
  readonly predictedDowntimeMs: number;
  readonly downtimeBudgetMs: number;
} & (
  | { readonly decision: 'next-round' }
  | { readonly decision: 'stop-and-copy'; readonly stoppedBecause: 'within-budget' }
  | { readonly decision: Alternative; readonly stoppedBecause: Obstacle }
);

export interface ConvergenceLimits {
  /** The longest downtime that is acceptable. */
  readonly downtimeBudgetMs: number;
  readonly maxRounds: number;
  /** Total pages of the guest's memory. */
  readonly memoryPages: number;
  /** What to do when another round would not help. */
  readonly otherwise: Alternative;
  /** The rate limit; 0: none. */
  readonly bandwidthBytesPerSecond: number;
}

/** Sent so often the whole memory, pre-copy is not getting anywhere (Clark et al., NSDI'05). */
const MOST_MEMORY_SENT = 3;
/** So many rounds in a row without a smaller dirty set: it has reached the writable working set. */
const ROUNDS_WITHOUT_PROGRESS = 3;
/** Rounds with fewer pages that have content say little about the rate. */
const TELLING_PAGES = 512;
/** At worst a page has a record of its own. */
const RECORD_BYTES = 16;
/** A page as it is, with its table entry. */
const RAW_PAGE_BYTES = 4096 + 16;

/**
 * Milliseconds that the final round would take if the guest were paused now: the dirty pages' bytes at the rate of
 * the last round that was large enough to tell, or at the rate limit where that is lower.
 *
 * Nobody knows what the dirty pages hold before they are read. So each counts as a page with content. As many of them as in
 * the last telling round are deltas, of the size that deltas had there: what is dirty was sent before. The others count as
 * the largest page that the rounds have shown: a raw one where there was one. Zero pages cost nothing, and are left out;
 * counted like others they would make the link look faster than it is, and break the budget.
 *
 * Infinity while nothing is known about the rate: before any round, when no page with content was sent, or when every
 * page was dirty again before its turn came.
 */
export function predictDowntimeMs(
  rounds: readonly RoundOutcome[],
  bandwidthBytesPerSecond: number,
): number {
  const last = rounds.at(-1);
  if (last?.dirtyPages === 0) return 0;
  const telling =
    rounds.findLast((round) => contentPages(round) >= TELLING_PAGES) ??
    rounds.find((round) => contentPages(round) > 0);
  if (last === undefined || telling === undefined) return Number.POSITIVE_INFINITY;
  const measured = telling.wireBytes / telling.ms;
  const limit = bandwidthBytesPerSecond > 0 ? bandwidthBytesPerSecond / 1000 : measured;
  return (last.dirtyPages * pageBytes(telling, rounds)) / Math.min(measured, limit);
}

/** Bytes on the wire of a dirty page, when `telling` is like the round that they would be sent in. */
function pageBytes(telling: RoundOutcome, rounds: readonly RoundOutcome[]): number {
  const { pagesDelta, bytesDelta } = telling;
  const largest = largestPageBytes(rounds);
  if (pagesDelta === 0) return largest;
  const share = pagesDelta / contentPages(telling);
  return share * (bytesDelta / pagesDelta) + (1 - share) * largest + RECORD_BYTES;
}

function contentPages({ pagesRaw, pagesEncoded }: RoundOutcome): number {
  return pagesRaw + pagesEncoded;
}

/** Bytes on the wire of a page with content that is no delta, at worst. */
function largestPageBytes(rounds: readonly RoundOutcome[]): number {
  if (rounds.some(({ pagesRaw }) => pagesRaw > 0)) return RAW_PAGE_BYTES + RECORD_BYTES;
  const means = rounds
    .filter(({ pagesEncoded, pagesDelta }) => pagesEncoded > pagesDelta)
    .map(
      ({ wireBytes, bytesDelta, pagesEncoded, pagesDelta }) =>
        (wireBytes - bytesDelta) / (pagesEncoded - pagesDelta),
    );
  return means.length > 0 ? Math.max(...means) + RECORD_BYTES : RAW_PAGE_BYTES + RECORD_BYTES;
}

/**
 * Next round, or the end of pre-copy: Clark et al., NSDI'05, sections 3.2 and 5, with the predicted
 * downtime against a budget in place of Xen's 50 pages.
 */
export function decide(
  rounds: readonly RoundOutcome[],
  limits: ConvergenceLimits,
): PreCopyDecision {
  const { downtimeBudgetMs, otherwise, bandwidthBytesPerSecond } = limits;
  const predictedDowntimeMs = predictDowntimeMs(rounds, bandwidthBytesPerSecond);
  const basis = { predictedDowntimeMs, downtimeBudgetMs };
  if (rounds.length === 0) return { ...basis, decision: 'next-round' };
  if (predictedDowntimeMs <= downtimeBudgetMs) {
    return { ...basis, decision: 'stop-and-copy', stoppedBecause: 'within-budget' };
  }
  const obstacle = obstacleAfter(rounds, limits);
  return obstacle === undefined
    ? { ...basis, decision: 'next-round' }
    : { ...basis, decision: otherwise, stoppedBecause: obstacle };
}

function obstacleAfter(
  rounds: readonly RoundOutcome[],
  limits: ConvergenceLimits,
): Obstacle | undefined {
  if (rounds.length >= limits.maxRounds) return 'max-rounds';
  const sent = rounds.reduce((sum, round) => sum + round.pages, 0);
  if (sent > MOST_MEMORY_SENT * limits.memoryPages) return 'memory-sent';
  return isStuck(rounds) ? 'no-progress' : undefined;
}

function isStuck(rounds: readonly RoundOutcome[]): boolean {
  if (rounds.length <= ROUNDS_WITHOUT_PROGRESS) return false;
  const recent = rounds.slice(-ROUNDS_WITHOUT_PROGRESS - 1);
  const before = recent[0]?.dirtyPages ?? 0;
  return recent.slice(1).every((round) => round.dirtyPages >= before);
}
