/** What the link delivers, from two looks at it. Pure. */

/** What the kernel says of the page channels at one moment. */
export interface LinkReading {
  /** Acknowledged so far. */
  readonly deliveredBytes: number;
  /** Time so far in which the busiest channel had something to deliver. */
  readonly busyMs: number;
  /** Bytes per second of the last acknowledgements; null where a channel had nothing to send. */
  readonly deliveryRate: number | null;
}

/**
 * Bytes per second; null where the link had nothing to deliver for some of the time, and undefined where nothing was
 * acknowledged meanwhile, which says nothing: a round trip may take longer.
 *
 * The kernel's rate is that of a few packets. A queue that lets a burst through shows it many times the rate that holds, and
 * the mean over the time in which the link was busy is right then. The time in which it waited for an encoder does not
 * count: a link that is taken for slower gets pages on which an encoder spends longer, and so it would wait more and more.
 */
export function rateBetween(before: LinkReading, now: LinkReading): number | null | undefined {
  if (now.deliveryRate === null) return null;
  const bytes = now.deliveredBytes - before.deliveredBytes;
  const ms = now.busyMs - before.busyMs;
  if (bytes <= 0 || ms <= 0) return undefined;
  return Math.min(now.deliveryRate, (bytes / ms) * 1000);
}
