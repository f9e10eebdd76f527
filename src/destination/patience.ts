/** Waiting for a peer that may do nothing: how a state's deadline is kept. */

/** A wait is cut into so many parts. */
const PARTS = 4;

/**
 * What `waited` answers, or whatever `impatient` throws once `progress` has stayed the same for `patienceMs`.
 *
 * It is looked at several times in that span, and each look counts as its part and no more. So a process that was
 * stopped meanwhile, by a signal or with its whole host, does not hold that time against its peer.
 */
export async function whileProgress<T>(
  waited: Promise<T>,
  patienceMs: number,
  progress: () => number,
  impatient: () => Error,
): Promise<T> {
  let seen = progress();
  let idleParts = 0;
  let look: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    look = setInterval(() => {
      const now = progress();
      idleParts = now === seen ? idleParts + 1 : 0;
      seen = now;
      if (idleParts >= PARTS) reject(impatient());
    }, patienceMs / PARTS);
  });
  try {
    return await Promise.race([waited, late]);
  } finally {
    clearInterval(look);
  }
}

/** What `waited` answers, or rejects with the signal's reason as soon as that is aborted. */
export async function unlessAborted<T>(waited: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) waited.catch(() => {});
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([waited, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Returns after so long, or as soon as one of the signals is aborted. */
export async function pauseFor(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  let wake = () => {};
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const timer = setTimeout(wake, ms);
  for (const signal of signals) signal.addEventListener('abort', wake);
  try {
    await woken;
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', wake);
  }
}
