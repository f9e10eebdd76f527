// How long a migration of QEMU's may go on, and what ends it before.

/** Settles as `promise` does, or rejects with the signal's reason. */
export async function until<Answer>(
  signal: AbortSignal,
  promise: Promise<Answer>,
): Promise<Answer> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * What every part may use and nothing may outlive: `signal` aborts with the caller's reason, with `fail`'s, or
 * when all takes too long.
 */
export function makeScope(outer: AbortSignal | undefined, timeoutMs: number) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort);
  if (outer?.aborted) onAbort();
  const tooLong = new Error(`QEMU's migration took longer than ${Math.round(timeoutMs / 1000)} s`);
  const timer = setTimeout(() => controller.abort(tooLong), timeoutMs);
  return {
    signal: controller.signal,
    fail: (error: Error) => controller.abort(error),
    /** Whatever still goes on must not start anything. */
    close() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
      controller.abort(new Error('the migration is over'));
    },
  };
}
