/** What the source knows of the destination's clock. Pure. */

/** One exchange: when it was sent and its answer received, on our clock, and what the other clock said between. */
export interface ClockExchange {
  readonly sentNs: bigint;
  readonly thereNs: bigint;
  readonly receivedNs: bigint;
}

export interface ClockComparison {
  /** `shared`: both sides read one clock. `estimated`: the offset is known within errorMs either way. */
  readonly kind: 'shared' | 'estimated';
  /** The destination's monotonic clock minus ours; 0 where it is shared. */
  readonly offsetNs: bigint;
  readonly errorMs: number;
}

/**
 * The exchange with the shortest way there and back counts (RFC 5905, section 10): the other clock was read somewhere
 * within it.
 *
 * Two processes of one boot read one clock, unless one of them is in a time namespace of its own. So the clock is
 * shared only where no exchange contradicts that: each time from there must lie between our two. `exchanges` holds at
 * least one.
 */
export function compareClocks(
  exchanges: readonly ClockExchange[],
  sameBoot: boolean,
): ClockComparison {
  const agrees = ({ sentNs, thereNs, receivedNs }: ClockExchange) =>
    sentNs <= thereNs && thereNs <= receivedNs;
  if (sameBoot && exchanges.every(agrees)) return { kind: 'shared', offsetNs: 0n, errorMs: 0 };
  const way = ({ sentNs, receivedNs }: ClockExchange) => receivedNs - sentNs;
  const best = exchanges.reduce((best, one) => (way(one) < way(best) ? one : best));
  return {
    kind: 'estimated',
    offsetNs: best.thereNs - (best.sentNs + way(best) / 2n),
    errorMs: Number(way(best)) / 2e6,
  };
}
