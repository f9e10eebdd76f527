/**
 * The rungs that `auto` chooses from, each with what a page costs and comes to. Pure.
 *
 * Six are within 3 % of thirteen (docs/compression.md, "The ladder").
 */
import { LZ4, RAW, type Rung, WKDM, zstd } from './plan.js';

/** One step of a ladder. */
export interface Step {
  readonly rung: Rung;
  /** Nanoseconds of one core for a page. */
  readonly ns: number;
  /** Of a page, on the wire. */
  readonly bytes: number;
}

export type Ladder = readonly Step[];

/** Bytes of a page as it is. */
export const PAGE = 4096;

/**
 * Ascending: each costs more than the one before, and comes to less. The costs are those of the machine that
 * docs/compression.md was measured on, for as long as this one's are not known.
 */
export const LADDER: Ladder = [
  { rung: RAW, ns: 100, bytes: PAGE },
  { rung: WKDM, ns: 2200, bytes: 2600 },
  { rung: LZ4, ns: 6700, bytes: 1670 },
  { rung: zstd(1), ns: 10_400, bytes: 1220 },
  { rung: zstd(3), ns: 20_300, bytes: 1150 },
  { rung: zstd(9), ns: 151_000, bytes: 1086 },
];

/** Those whose cost can be measured. */
export const MEASURED_RUNGS: readonly Rung[] = LADDER.map(({ rung }) => rung).filter(
  ({ method }) => method === 'blocks',
);

/** The ladder with these costs, of MEASURED_RUNGS in their order. */
export function ladderWith(costs: readonly number[]): Ladder {
  const [raw, ...others] = LADDER;
  const measured = others.map((step, at) => ({ ...step, ns: costs[at] ?? step.ns }));
  return raw === undefined ? [] : [raw, ...measured];
}
