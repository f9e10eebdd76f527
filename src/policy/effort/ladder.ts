/**
 * The rungs that `auto` chooses from, each with what a page costs and comes to. Pure.
 *
 * Six are within 3 % of thirteen (docs/compression.md, "The ladder").
 */
import { LZ4, RAW, type Rung, WKDM, zstd } from './plan.js';

export interface Step {
  readonly rung: Rung;
  /** Nanoseconds of one core for a page. */
  readonly ns: number;
  /** Of a page, on the wire. */
  readonly bytes: number;
}

const PAGE = 4096;

/** Ascending: each costs more than the one before, and comes to less. */
export const LADDER: readonly Step[] = [
  { rung: RAW, ns: 100, bytes: PAGE },
  { rung: WKDM, ns: 2200, bytes: 2600 },
  { rung: LZ4, ns: 6700, bytes: 1670 },
  { rung: zstd(1), ns: 10_400, bytes: 1220 },
  { rung: zstd(3), ns: 20_300, bytes: 1150 },
  { rung: zstd(9), ns: 151_000, bytes: 1086 },
];
