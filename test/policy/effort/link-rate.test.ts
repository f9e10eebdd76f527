import { describe, expect, it } from 'vitest';
import { type LinkReading, rateBetween } from '../../../src/policy/effort/link-rate.js';

const BEFORE: LinkReading = { busyMs: 1000, deliveredBytes: 5_000_000, deliveryRate: 1e9 };

function later(busyMs: number, bytes: number, deliveryRate: number | null): LinkReading {
  return {
    busyMs: BEFORE.busyMs + busyMs,
    deliveredBytes: BEFORE.deliveredBytes + bytes,
    deliveryRate,
  };
}

describe("a link's rate between two looks", () => {
  it('is the mean of the time in which it was busy where the kernel has seen a burst', () => {
    expect(rateBetween(BEFORE, later(20, 250_000, 556e6))).toBe(12_500_000);
  });

  it('is what the kernel says where more was acknowledged at once than the link carries', () => {
    expect(rateBetween(BEFORE, later(20, 2_500_000, 12_500_000))).toBe(12_500_000);
  });

  it('is not known where a channel had nothing to send', () => {
    expect(rateBetween(BEFORE, later(20, 250_000, null))).toBeNull();
  });

  it('is no news where nothing was acknowledged', () => {
    expect(rateBetween(BEFORE, later(5, 0, 12_500_000))).toBeUndefined();
    expect(rateBetween(BEFORE, later(0, 1000, 12_500_000))).toBeUndefined();
  });
});
