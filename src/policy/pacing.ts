/**
 * How fast post-copy pushes pages over a link that nobody has told us the rate of. Pure.
 *
 * A page that a guest thread waits for must not queue behind pages that nobody waits for. So the push finds the link's
 * rate and stays just below it. Whether something queues shows in the round trip: beyond its least it is time spent
 * waiting. While something queues the link is never idle, so what it delivers is its rate (the model of BBR: Cardwell et
 * al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016, sections "Bottlenecks" and "Startup").
 */

/** What was seen at one moment. */
export interface LinkSample {
  readonly atMs: number;
  /** By page and fault channels together. */
  readonly deliveredBytes: number;
  readonly roundTripMs: number;
  readonly leastRoundTripMs: number;
}

export type Pacing =
  /** The rate grows until something queues. */
  | { readonly kind: 'searching'; readonly rate: number; readonly growth: number }
  /** Slower than the link, until nothing queues. */
  | { readonly kind: 'draining'; readonly rate: number; readonly linkRate: number }
  /** Just below the link. From time to time it is searched for again: it may have become faster. */
  | {
      readonly kind: 'cruising';
      readonly rate: number;
      readonly linkRate: number;
      readonly sinceMs: number;
    };

/** Bytes a second: 400 Mbit/s. */
const FIRST_RATE = 50_000_000;
const LEAST_RATE = 1_000_000;
const FIRST_GROWTH = 2;
const LATER_GROWTH = 1.25;
const SEARCH_EVERY_MS = 500;
const SHARE_WHILE_DRAINING = 0.75;
const SHARE_WHILE_CRUISING = 0.97;
/** Of what was sent. A link that delivers less is slower than it was; one that delivers this much has only been late. */
const SHARE_OF_A_LINK_THAT_KEEPS_UP = 0.85;
/** One sample may be wrong by more than this, so no more is believed at once. */
const MOST_LOSS = 0.7;
/** A queue shorter than this is what bursts make: a batch of the push, one large segment. */
const LEAST_QUEUE_MS = 1;
/** Round trips of long ways vary more. */
const LEAST_QUEUE_SHARE = 0.25;
/** Less is too short a time to tell a rate from. */
const LEAST_INTERVAL_MS = 2;

export const FIRST_PACING: Pacing = { kind: 'searching', rate: FIRST_RATE, growth: FIRST_GROWTH };

/** What to do after `now`, when `before` was the sample that led to `pacing`. Rates are in bytes a second. */
export function nextPacing(pacing: Pacing, before: LinkSample, now: LinkSample): Pacing {
  const ms = now.atMs - before.atMs;
  if (ms < LEAST_INTERVAL_MS) return pacing;
  const delivered = ((now.deliveredBytes - before.deliveredBytes) / ms) * 1000;
  if (queues(now)) return drain(linkRateOf(pacing, delivered));
  switch (pacing.kind) {
    case 'searching':
      // A rate that nobody makes use of tells nothing of the link.
      return delivered * pacing.growth < pacing.rate ? pacing : search(pacing.rate, pacing.growth);
    case 'draining':
      return cruise(pacing.linkRate, now.atMs);
    case 'cruising':
      return now.atMs - pacing.sinceMs < SEARCH_EVERY_MS
        ? pacing
        : search(pacing.linkRate, LATER_GROWTH);
    default:
      throw new Error(`no such pacing: ${JSON.stringify(pacing satisfies never)}`);
  }
}

function queues({ roundTripMs, leastRoundTripMs }: LinkSample): boolean {
  const waitMs = roundTripMs - leastRoundTripMs;
  return waitMs > Math.max(LEAST_QUEUE_MS, leastRoundTripMs * LEAST_QUEUE_SHARE);
}

/** Something queues: what that says of the link. */
function linkRateOf(pacing: Pacing, delivered: number): number {
  if (pacing.kind === 'searching') return delivered;
  const { rate, linkRate } = pacing;
  // Late acknowledgements look like a queue, as those of a busy host do. But then nothing is missing.
  if (delivered >= rate * SHARE_OF_A_LINK_THAT_KEEPS_UP) return Math.max(linkRate, delivered);
  return Math.max(delivered, linkRate * MOST_LOSS);
}

function search(rate: number, growth: number): Pacing {
  return { kind: 'searching', rate: rate * growth, growth };
}

function drain(wanted: number): Pacing {
  const linkRate = Math.max(LEAST_RATE, wanted);
  return { kind: 'draining', rate: linkRate * SHARE_WHILE_DRAINING, linkRate };
}

function cruise(linkRate: number, sinceMs: number): Pacing {
  return { kind: 'cruising', rate: linkRate * SHARE_WHILE_CRUISING, linkRate, sinceMs };
}
