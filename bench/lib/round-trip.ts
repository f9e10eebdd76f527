// The bare round trip that demand faults are compared with.
import { availableParallelism } from 'node:os';
import { type NativeAnswer, runNative } from './native.js';

/**
 * 16 bytes out, 4 KiB back, `pauseUs` between: as the scheduler places the two processes, on one core,
 * and on two. The one with the lowest median counts, because it is the nearest to what is possible.
 */
export async function bareRoundTrip({
  count,
  pauseUs = 0,
  signal,
}: {
  readonly count: number;
  readonly pauseUs?: number;
  readonly signal: AbortSignal;
}) {
  const placements = ['any', 'one-core', ...(availableParallelism() > 1 ? ['two-cores'] : [])];
  const byPlacement: Record<string, NativeAnswer<'tcp-round-trip'>> = {};
  for (const placement of placements) {
    byPlacement[placement] = await runNative(
      'tcp-round-trip',
      [
        ...['--count', count, '--pause-us', pauseUs, '--congestion', 'cubic'],
        ...['--placement', placement],
      ],
      { signal },
    );
  }
  const p50Us = Math.min(...Object.values(byPlacement).map((one) => one.p50Us));
  return { p50Us, byPlacement };
}
