// What the guest felt, from the stamps of its marks on both sides.

/** Bytes of one stamp as mark_reader.cc writes it. */
const STAMP_BYTES = 16;

/** Stamps `{ ms, side, marks }` in the order of time; `side` is 'source' or 'destination'. */
export function decodeStamps(buffer) {
  const stamps = [];
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
function longest(times) {
  let gap = 0;
  for (let i = 1; i < times.length; i += 1) gap = Math.max(gap, times[i] - times[i - 1]);
  return gap;
}

/**
 * The longest gaps of a migration from `startMs` to `endMs`: `before` the switchover, `across` it (from the
 * last mark on the source to the first on the destination) and `after` it. A gap counts from `startMs` at
 * the earliest; one that is under way at `endMs` counts until then, except that across the switchover, which
 * counts until the guest went on. Null without marks on both sides.
 */
export function gapsAround(stamps, startMs, endMs) {
  const times = (side) => stamps.filter((stamp) => stamp.side === side).map(({ ms }) => ms);
  const source = times('source');
  const destination = times('destination');
  if (source.length === 0 || destination.length === 0) return null;
  const here = [startMs, ...source.filter((ms) => ms > startMs)];
  const there = destination.filter((ms) => ms <= endMs);
  return {
    before: longest(here),
    across: destination[0] - here.at(-1),
    after: there.length === 0 ? 0 : longest([...there, endMs]),
  };
}

/** A function that answers how many marks there were until a moment. */
export function markCounter(stamps) {
  const sums = [0];
  for (const { marks } of stamps) sums.push(sums.at(-1) + marks);
  return (ms) => {
    let low = 0;
    let high = stamps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (stamps[middle].ms <= ms) low = middle + 1;
      else high = middle;
    }
    return sums[low];
  };
}
