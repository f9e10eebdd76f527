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

export type Pacing = {
  readonly rate: number;
  /** Until then a round trip that is late is no sign of a queue, because lately it was none. */
  readonly doubtUntilMs: number;
} & (
  | /** The rate grows until something queues. */ {
      readonly kind: 'searching';
      readonly growth: number;
    }
  /** Slower than the link, until nothing queues. */
  | { readonly kind: 'draining'; readonly linkRate: number; readonly since: LinkSample }
  /** Just below the link. From time to time it is searched for again: it may have become faster. */
  | { readonly kind: 'cruising'; readonly linkRate: number; readonly sinceMs: number }
);

/** Bytes a second: 400 Mbit/s. */
const FIRST_RATE = 50_000_000;
const LEAST_RATE = 1_000_000;
/** Beyond every link there is: whatever a sample says, what comes of it is a rate that can be set. */
const MOST_RATE = 1e12;
const FIRST_GROWTH = 2;
const LATER_GROWTH = 1.25;
const SEARCH_EVERY_MS = 500;
const SHARE_WHILE_DRAINING = 0.75;
const SHARE_WHILE_CRUISING = 0.97;
/** Of what was sent. A link that delivers less is slower than it was; one that delivers this much has only been late. */
const SHARE_OF_A_LINK_THAT_KEEPS_UP = 0.85;
/**
 * Of what was sent while draining. A link with a queue is never idle: it delivers what is sent and some of the queue.
 * One that delivers no more than this has none, whatever the round trip says.
 */
const SHARE_OF_A_LINK_WITH_A_QUEUE = 1.1;
/** So long that samples which come late, or bursts, no longer decide. */
const LEAST_DRAINING_MS = 20;
const DOUBT_MS = 1000;
/** One sample may be wrong by more than this, so no more is believed at once. */
const MOST_LOSS = 0.7;
/** A queue shorter than this is what bursts make: a batch of the push, one large segment. */
const LEAST_QUEUE_MS = 1;
/** Round trips of long ways vary more. */
const LEAST_QUEUE_SHARE = 0.25;
/** Less is too short a time to tell a rate from. */
const LEAST_INTERVAL_MS = 2;

export const FIRST_PACING: Pacing = {
  kind: 'searching',
  rate: FIRST_RATE,
  growth: FIRST_GROWTH,
  doubtUntilMs: Number.NEGATIVE_INFINITY,
};

/** What to do after `now`, when `before` was the sample that led to `pacing`. Rates are in bytes a second. */
export function nextPacing(pacing: Pacing, before: LinkSample, now: LinkSample): Pacing {
  if (now.atMs - before.atMs < LEAST_INTERVAL_MS) return pacing;
  const delivered = deliveredBetween(before, now);
  const keepsUp = delivered >= pacing.rate * SHARE_OF_A_LINK_THAT_KEEPS_UP;
  const doubted = now.atMs < pacing.doubtUntilMs && keepsUp;
  if (isLate(now) && !doubted) return late(pacing, delivered, keepsUp, now);
  switch (pacing.kind) {
    case 'searching':
      // A rate that nobody makes use of tells nothing of the link.
      return delivered * pacing.growth < pacing.rate
        ? pacing
        : search(pacing.rate, pacing.growth, pacing.doubtUntilMs);
    case 'draining':
      return cruise(pacing, now.atMs);
    case 'cruising':
      return now.atMs - pacing.sinceMs < SEARCH_EVERY_MS
        ? pacing
        : search(pacing.linkRate, LATER_GROWTH, pacing.doubtUntilMs);
    default:
      throw new Error(`no such pacing: ${JSON.stringify(pacing satisfies never)}`);
  }
}

function deliveredBetween(before: LinkSample, now: LinkSample): number {
  return ((now.deliveredBytes - before.deliveredBytes) / (now.atMs - before.atMs)) * 1000;
}

function isLate({ roundTripMs, leastRoundTripMs }: LinkSample): boolean {
  const waitMs = roundTripMs - leastRoundTripMs;
  return waitMs > Math.max(LEAST_QUEUE_MS, leastRoundTripMs * LEAST_QUEUE_SHARE);
}

/** As if something queued, until draining shows that nothing does: acknowledgements of a busy host are late as well. */
function late(pacing: Pacing, delivered: number, keepsUp: boolean, now: LinkSample): Pacing {
  if (pacing.kind === 'searching') return drain(pacing, delivered, now);
  const { linkRate } = pacing;
  // A link that has become slower delivers less than it is sent.
  if (!keepsUp) return drain(pacing, Math.max(delivered, linkRate * MOST_LOSS), now);
  if (pacing.kind === 'cruising') return drain(pacing, Math.max(linkRate, delivered), now);
  const { since, rate } = pacing;
  const nothingQueued =
    now.atMs - since.atMs >= LEAST_DRAINING_MS &&
    deliveredBetween(since, now) < rate * SHARE_OF_A_LINK_WITH_A_QUEUE;
  return nothingQueued
    ? search(linkRate, LATER_GROWTH, now.atMs + DOUBT_MS)
    : { ...pacing, linkRate: Math.min(MOST_RATE, Math.max(linkRate, delivered)) };
}

function search(rate: number, growth: number, doubtUntilMs: number): Pacing {
  return { kind: 'searching', rate: Math.min(MOST_RATE, rate * growth), growth, doubtUntilMs };
}

function drain({ doubtUntilMs }: Pacing, wanted: number, since: LinkSample): Pacing {
  const linkRate = Math.min(MOST_RATE, Math.max(LEAST_RATE, wanted));
  const rate = linkRate * SHARE_WHILE_DRAINING;
  return { kind: 'draining', rate, linkRate, since, doubtUntilMs };
}

function cruise(
  { linkRate, doubtUntilMs }: Pacing & { readonly kind: 'draining' },
  sinceMs: number,
): Pacing {
  const rate = linkRate * SHARE_WHILE_CRUISING;
  return { kind: 'cruising', rate, linkRate, sinceMs, doubtUntilMs };
}
