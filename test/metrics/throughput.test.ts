import { describe, expect, it } from 'vitest';
import { lostMs, opsPerSecond, SlowestStretch } from '../../src/metrics/throughput.js';

const at = (ms: number, operations: number) => ({ ms, operations });

function slowest(windowMs: number, readings: readonly (readonly [number, number])[]) {
  const stretch = new SlowestStretch(windowMs);
  for (const [ms, operations] of readings) stretch.add(at(ms, operations));
  return stretch.opsPerSecond;
}

describe('throughput', () => {
  it('is operations over time, and unknown over no time', () => {
    expect(opsPerSecond(at(100, 5), at(350, 505))).toBe(2000);
    expect(opsPerSecond(at(100, 5), at(100, 6))).toBeNull();
  });
});

describe('the lost time', () => {
  it('is nothing for a guest that goes on at its rate before', () => {
    expect(lostMs(at(0, 0), at(400, 800), 2000)).toBe(0);
  });

  it('is all the time for one that does nothing, and half of it for one at half its rate', () => {
    expect(lostMs(at(100, 7), at(500, 7), 2000)).toBe(400);
    expect(lostMs(at(100, 7), at(500, 407), 2000)).toBe(200);
  });

  it('is below 0 for one that does more than before', () => {
    expect(lostMs(at(0, 0), at(400, 1000), 2000)).toBe(-100);
  });

  it('is unknown for one that did nothing before', () => {
    expect(lostMs(at(0, 0), at(400, 1000), 0)).toBeNull();
  });
});

describe('the slowest stretch', () => {
  it('is found between faster ones, however they lie to the readings', () => {
    const steady = [0, 5, 10, 15, 20, 25].map((ms) => [ms, 100 * ms] as const);
    const slow = [30, 35, 40].map((ms) => [ms, 2500 + ms - 25] as const);
    const fast = [45, 50, 55].map((ms) => [ms, 2515 + 100 * (ms - 40)] as const);
    expect(slowest(10, steady)).toBe(100_000);
    expect(slowest(10, [...steady, ...slow, ...fast])).toBe(1000);
  });

  it('is no shorter than the window: less than that is averaged with what lies beside it', () => {
    expect(
      slowest(10, [
        [0, 0],
        [5, 500],
        [6, 500],
        [10, 900],
        [20, 1900],
      ]),
    ).toBe(90_000);
  });

  it('is as long as the readings are apart where they are late', () => {
    expect(
      slowest(10, [
        [0, 0],
        [5, 500],
        [45, 600],
        [50, 1100],
        [60, 2100],
      ]),
    ).toBe(2500);
  });

  it('is all of the time when that is less than the window, and unknown before it began', () => {
    expect(
      slowest(10, [
        [0, 0],
        [4, 8],
      ]),
    ).toBe(2000);
    expect(slowest(10, [[0, 5]])).toBeNull();
    expect(slowest(10, [])).toBeNull();
  });
});
