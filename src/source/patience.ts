/** How long the source waits for what may never come. */
import type { PageferryError } from '../errors.js';

export interface Patience {
  readonly withinMs: number;
  /** True when what is waited for is still on its way: then the time begins again. */
  readonly isUnderWay?: () => boolean;
}

/**
 * What `awaited` comes to, or a rejection with `late()` once it has taken longer than the patience allows.
 *
 * Plain timers: an abortable sleep builds an error to end it, which costs 0.6 ms the first time, and the guest may be
 * paused.
 */
export async function within<T>(
  { withinMs, isUnderWay = () => false }: Patience,
  awaited: Promise<T>,
  late: () => PageferryError,
): Promise<T> {
  let watch: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    let since = performance.now();
    watch = setInterval(() => {
      if (isUnderWay()) since = performance.now();
      if (performance.now() - since < withinMs) return;
      // Should this event loop have been blocked, then what came meanwhile is read first.
      setImmediate(() => reject(late()));
    }, withinMs / 8);
  });
  try {
    return await Promise.race([awaited, expired]);
  } finally {
    clearInterval(watch);
  }
}

/** What tells how far bytes have come. */
export interface Sender {
  progress(): { readonly wireBytes: number };
  unacknowledgedBytes(): number;
}

/** True when, since the last time it was asked, bytes have left or were acknowledged. */
export function bytesMove(sender: Sender): () => boolean {
  const now = () => ({ sent: sender.progress().wireBytes, waiting: sender.unacknowledgedBytes() });
  let seen = now();
  return () => {
    const before = seen;
    seen = now();
    return seen.sent !== before.sent || seen.waiting !== before.waiting;
  };
}

/**
 * The same, and true while nothing lies in the sockets: then it is this side that takes its time, because it looks for
 * pages that hold something, or because of the rate limit.
 */
export function socketsTakeBytes(sender: Sender): () => boolean {
  const move = bytesMove(sender);
  return () => move() || sender.unacknowledgedBytes() === 0;
}
