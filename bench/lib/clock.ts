// The clock that all processes of one host share.

/** Milliseconds of the monotonic clock. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
