import { describe, expect, it } from 'vitest';
import { type ClockExchange, compareClocks } from '../../src/policy/clock.js';

/** An exchange that began at `at`, took 10 ns, and whose answer was read in the middle of a clock that is ahead. */
function exchange(at: bigint, aheadNs: bigint, tookNs = 10n): ClockExchange {
  return { sentNs: at, thereNs: at + tookNs / 2n + aheadNs, receivedNs: at + tookNs };
}

describe('the clocks of two processes', () => {
  it('are one where the boot is the same and every exchange agrees', () => {
    expect(compareClocks([exchange(0n, 0n), exchange(100n, 0n)], true)).toEqual({
      kind: 'shared',
      offsetNs: 0n,
      errorMs: 0,
    });
  });

  it('are two where the boot is the same and one is in another time namespace', () => {
    const ahead = 1_000_006_000_000n;
    expect(compareClocks([exchange(0n, ahead), exchange(100n, ahead)], true)).toEqual({
      kind: 'estimated',
      offsetNs: ahead,
      errorMs: 5e-6,
    });
  });

  it('are two where the boots differ, however near they are', () => {
    expect(compareClocks([exchange(0n, 0n)], false).kind).toBe('estimated');
  });

  it('are compared by the exchange with the shortest way', () => {
    const exchanges = [
      exchange(0n, -50n, 1000n),
      exchange(2000n, -40n, 20n),
      exchange(4000n, 9n, 400n),
    ];
    expect(compareClocks(exchanges, false)).toEqual({
      kind: 'estimated',
      offsetNs: -40n,
      errorMs: 1e-5,
    });
  });
});
