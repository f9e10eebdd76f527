/** Ctrl-C and its relatives. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `first` for the first of them and `again` for each one after it, until the returned function is
 * called.
 */
export function onInterrupt(first: () => void, again: () => void): () => void {
  let count = 0;
  const listener = (): void => {
    count += 1;
    if (count === 1) first();
    else again();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
