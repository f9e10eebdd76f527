// What the guest felt, from the stamps of its marks on both sides.
import type { Gaps } from '../agents/messages.js';
import type { Side } from '../links/link.js';

/** A moment, and how many marks the guest had set since the one before. */
export interface Stamp {
  readonly ms: number;
  readonly side: Side;
  readonly marks: number;
}

/** Bytes of one stamp as mark_reader.cc writes it. */
const STAMP_BYTES = 16;

/** In the order of time. */
export function decodeStamps(buffer: Buffer): Stamp[] {
  const stamps: Stamp[] = [];
  for (let at = 0; at + STAMP_BYTES <= buffer.length; at += STAMP_BYTES) {
    stamps.push({
      ms: Number(buffer.readBigInt64LE(at)) / 1e6,
      side: buffer.readUInt32LE(at + 8) === 0 ? 'source' : 'destination',
      marks: buffer.readUInt32LE(at + 12),
    });
  }
  return stamps;
}

/** The longest time between neighbours of these ascending times. */
function longest(times: readonly number[]): number {
  let [last = 0] = times;
  let gap = 0;
  for (const ms of times) {
    gap = Math.max(gap, ms - last);
    last = ms;
  }
  return gap;
}

/**
 * The longest gaps of a migration from `startMs` to `endMs`: `before` the switchover, `across` it (from the
 * last mark on the source to the first on the destination) and `after` it. A gap counts from `startMs` at
 * the earliest; one that is under way at `endMs` counts until then, except that across the switchover, which
 * counts until the guest went on. Null without marks on both sides.
 */
export function gapsAround(stamps: readonly Stamp[], startMs: number, endMs: number): Gaps | null {
  const times = (side: Side) => stamps.filter((stamp) => stamp.side === side).map(({ ms }) => ms);
  const source = times('source');
  const destination = times('destination');
  const [arrived] = destination;
  if (source.length === 0 || arrived === undefined) return null;
  const here = [startMs, ...source.filter((ms) => ms > startMs)];
  const there = destination.filter((ms) => ms <= endMs);
  return {
    before: longest(here),
    across: arrived - (here.at(-1) ?? startMs),
    after: there.length === 0 ? 0 : longest([...there, endMs]),
  };
}

/** A function that answers how many marks there were until a moment. */
export function markCounter(stamps: readonly Stamp[]): (ms: number) => number {
  const sums = [0];
  let sum = 0;
  for (const { marks } of stamps) {
    sum += marks;
    sums.push(sum);
  }
  return (ms) => {
    let low = 0;
    let high = stamps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((stamps[middle]?.ms ?? ms) <= ms) low = middle + 1;
      else high = middle;
    }
    return sums[low] ?? sum;
  };
}
