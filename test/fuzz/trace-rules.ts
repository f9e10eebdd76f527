/** What docs/trace-format.md says of the content of a trace file, once more and as plainly as can be. */
const LIMITS = { intervals: 2 ** 20, pages: 2 ** 28, writes: 2 ** 26, durationUs: 3_600_000_000 };
const MAGIC = [...Buffer.from('PFTRACE\n')];

export interface Verdict {
  /** Whether it is a whole trace. */
  readonly isTrace: boolean;
  readonly intervals: number;
  /** Pages of the runs that are right, up to the first thing that is wrong. */
  readonly writes: number;
}

/** Up to the first that is none: a number has at most eight bytes, and is at most 2^53 - 1. */
function numbersOf(content: Uint8Array): { numbers: number[]; isWhole: boolean } {
  const numbers: number[] = [];
  for (let at = 0; at < content.length; ) {
    const end = content.findIndex((byte, index) => index >= at && byte < 0x80) + 1;
    const digits = content.subarray(at, end === 0 ? content.length : end);
    let value = 0n;
    for (const byte of digits.toReversed()) value = value * 128n + BigInt(byte & 0x7f);
    const isNumber = end > 0 && digits.length <= 8 && value <= BigInt(Number.MAX_SAFE_INTEGER);
    if (!isNumber) return { numbers, isWhole: false };
    numbers.push(Number(value));
    at = end;
  }
  return { numbers, isWhole: true };
}

export function judge(content: Uint8Array): Verdict {
  const { numbers, isWhole } = numbersOf(content);
  let at = 0;
  const next = () => numbers[at++] ?? Number.NaN;
  const sums = { intervals: 0, pages: 0, writes: 0 };
  const verdict = (isTrace: boolean): Verdict => ({ isTrace, ...sums });

  if (!MAGIC.every((byte) => byte === next()) || next() !== 1) return verdict(false);
  if (![1, 2].includes(next()) || !(next() <= LIMITS.durationUs)) return verdict(false);
  for (;;) {
    const kind = next();
    if (kind === 2) break;
    if (kind !== 1 || sums.intervals === LIMITS.intervals) return verdict(false);
    if (!(next() <= LIMITS.durationUs)) return verdict(false);
    const pages = next();
    if (!(pages >= sums.pages && pages <= LIMITS.pages)) return verdict(false);
    sums.pages = pages;
    const runs = next();
    if (!(runs <= LIMITS.writes)) return verdict(false);
    let end = 0;
    for (let run = 0; run < runs; run += 1) {
      const gap = next();
      const first = end + (gap % 2 === 0 ? gap / 2 : -(gap + 1) / 2);
      const length = next();
      end = first + length;
      if (!(first >= 0 && length >= 1 && end <= pages)) return verdict(false);
      if (sums.writes + length > LIMITS.writes) return verdict(false);
      sums.writes += length;
    }
    sums.intervals += 1;
  }
  const isRight =
    next() <= 3 && next() === sums.intervals && next() === sums.pages && next() === sums.writes;
  return verdict(isRight && isWhole && at === numbers.length);
}
