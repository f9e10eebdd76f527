/** From the numbers of a trace file to a trace. Holds no more than the limits of the format allow. */
import {
  END_REASONS,
  type EndReason,
  RECORD_KINDS,
  TRACE_LIMITS,
  TRACE_MAGIC,
  TRACE_METHODS,
  TRACE_VERSION,
  type Trace,
  type TraceHead,
  type TraceMethod,
} from './format.js';
import { signedOf } from './varints.js';

/** Is given one number after the other with next(), and returns after the last record. */
export type TraceParser = Generator<undefined, Trace, number>;

function malformed(what: string): Error {
  return new Error(`it is no trace that this release can read: ${what}`);
}

function nameOf<T extends string>(table: Readonly<Record<T, number>>, value: number): T {
  const found = Object.entries(table).find(([, known]) => known === value);
  if (found === undefined) throw malformed(`it says ${value} where only a few numbers are known`);
  return found[0] as T;
}

function atMost(value: number, limit: keyof typeof TRACE_LIMITS): number {
  if (value <= TRACE_LIMITS[limit]) return value;
  throw malformed(`${limit} are ${value}, and at most ${TRACE_LIMITS[limit]} are read`);
}

/** Grows by half: a file says only at its end how much there is. */
class Pages {
  #values = new Uint32Array(1024);
  length = 0;

  /** Pages that follow each other. */
  append(first: number, length: number): void {
    const end = this.length + length;
    if (end > this.#values.length) {
      const larger = new Uint32Array(Math.max(end, Math.ceil(this.#values.length * 1.5)));
      larger.set(this.#values);
      this.#values = larger;
    }
    for (let at = 0; at < length; at += 1) this.#values[this.length + at] = first + at;
    this.length = end;
  }

  take(): Uint32Array {
    return this.#values.slice(0, this.length);
  }
}

function* parseHead(): Generator<undefined, TraceHead, number> {
  for (const letter of TRACE_MAGIC) {
    if ((yield) !== letter.charCodeAt(0)) throw malformed('it does not begin as one');
  }
  const version = yield;
  if (version !== TRACE_VERSION) {
    throw malformed(`it has version ${version}, and this release reads version ${TRACE_VERSION}`);
  }
  const method: TraceMethod = nameOf(TRACE_METHODS, yield);
  return { method, intervalUs: atMost(yield, 'durationUs') };
}

function* parseRuns(pages: number, writes: Pages): Generator<undefined, void, number> {
  const runs = atMost(yield, 'writes');
  let end = 0;
  for (let run = 0; run < runs; run += 1) {
    const first = end + signedOf(yield);
    const length = yield;
    end = first + length;
    if (first < 0 || length < 1 || end > pages) throw malformed('a run lies outside of its pages');
    atMost(writes.length + length, 'writes');
    writes.append(first, length);
  }
}

export function* parseTrace(): TraceParser {
  const head = yield* parseHead();
  const writes = new Pages();
  const intervals: number[] = [];
  let pages = 0;
  let timeUs = 0;
  for (;;) {
    const kind = nameOf(RECORD_KINDS, yield);
    if (kind === 'end') break;
    atMost(intervals.length / 2 + 1, 'intervals');
    timeUs += atMost(yield, 'durationUs');
    const now = atMost(yield, 'pages');
    if (now < pages) throw malformed('pages become fewer');
    pages = now;
    yield* parseRuns(pages, writes);
    intervals.push(timeUs * 1000, writes.length);
  }
  const reason: EndReason = nameOf(END_REASONS, yield);
  const sums = [yield, yield, yield];
  if (sums.join() !== [intervals.length / 2, pages, writes.length].join()) {
    throw malformed('its end does not match what came before');
  }
  return {
    ...head,
    pages,
    reason,
    intervals: Float64Array.from(intervals),
    writes: writes.take(),
  };
}
