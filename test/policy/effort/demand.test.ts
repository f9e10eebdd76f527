import { describe, expect, it } from 'vitest';
import { compressesDemandPages } from '../../../src/policy/effort/demand.js';

const GIGABIT = 125_000_000;
const UNKNOWN = { rate: GIGABIT, measured: false };
const FAR = { limit: 0, local: false };

function measured(rate: number) {
  return { rate, measured: true };
}

describe('a demand page', () => {
  it('is compressed by auto on a link that is slower than 2 Gbit/s, and not on a faster one', () => {
    expect(compressesDemandPages('auto', measured(GIGABIT), FAR)).toBe(true);
    expect(compressesDemandPages('auto', measured(2 * GIGABIT - 1), FAR)).toBe(true);
    expect(compressesDemandPages('auto', measured(2 * GIGABIT), FAR)).toBe(false);
    expect(compressesDemandPages('auto', measured(10 * GIGABIT), FAR)).toBe(false);
  });

  it('goes as it is while nothing is known of the link', () => {
    expect(compressesDemandPages('auto', UNKNOWN, FAR)).toBe(false);
  });

  it('goes as it is within one host, unless a limit stands for a link', () => {
    expect(compressesDemandPages('auto', measured(GIGABIT), { limit: 0, local: true })).toBe(false);
    expect(compressesDemandPages('auto', UNKNOWN, { limit: GIGABIT, local: true })).toBe(true);
    expect(compressesDemandPages('auto', UNKNOWN, { limit: 4 * GIGABIT, local: true })).toBe(false);
  });

  it('is compressed by a fixed compression exactly where that has LZ4', () => {
    for (const [compression, compresses] of [
      ['lz4', true],
      ['mecom', true],
      ['raw', false],
      ['wkdm', false],
      ['zstd', false],
      ['zstd:3', false],
      ['xbzrle', false],
    ] as const) {
      expect(compressesDemandPages(compression, UNKNOWN, FAR), compression).toBe(compresses);
    }
  });
});
