import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_PACING, type LinkSample, nextPacing, type Pacing } from '../../src/policy/pacing.js';
import { seededRandom } from '../support/random.js';

const STEP_MS = 5;
const MIB = 2 ** 20;

/** A link as a fluid: what comes faster than it takes waits before it. */
class FluidLink {
  queueBytes = 0;
  deliveredBytes = 0;
  atMs = 0;
  /** Of the last second, as long as it waited at the end of a step. */
  readonly queueMs: number[] = [];

  constructor(
    public bytesPerSecond: number,
    readonly leastRoundTripMs: number,
    /** What the push could send at most; Infinity for as much as it may. */
    readonly offered = Number.POSITIVE_INFINITY,
  ) {}

  step(pushedPerSecond: number): LinkSample {
    const capacity = (this.bytesPerSecond * STEP_MS) / 1000;
    const waiting = this.queueBytes + (Math.min(pushedPerSecond, this.offered) * STEP_MS) / 1000;
    const taken = Math.min(capacity, waiting);
    this.queueBytes = waiting - taken;
    this.deliveredBytes += taken;
    this.atMs += STEP_MS;
    const queueMs = (this.queueBytes / this.bytesPerSecond) * 1000;
    this.queueMs.push(queueMs);
    return {
      atMs: this.atMs,
      deliveredBytes: this.deliveredBytes,
      roundTripMs: this.leastRoundTripMs + queueMs,
      leastRoundTripMs: this.leastRoundTripMs,
    };
  }
}

/** Runs for so long from where it was; answers the pacing at the end. */
function run(
  link: FluidLink,
  ms: number,
  pacing: Pacing = FIRST_PACING,
  seen: (sample: LinkSample) => LinkSample = (sample) => sample,
): Pacing {
  let before = link.step(pacing.rate);
  for (const end = link.atMs + ms; link.atMs < end; ) {
    const now = seen(link.step(pacing.rate));
    pacing = nextPacing(pacing, before, now);
    before = now;
  }
  return pacing;
}

/** Of a link of 1 Gbit/s, over five seconds after its rate was found, by a push that sees it so. */
function shareUsed(seen: (sample: LinkSample) => LinkSample): number {
  const link = new FluidLink(125e6, 0.1);
  const found = run(link, 250, FIRST_PACING, seen);
  const before = link.deliveredBytes;
  run(link, 5000, found, seen);
  return (link.deliveredBytes - before) / (5 * 125e6);
}

const LINKS = [
  ['100 Mbit/s', 12.5e6, 0.2],
  ['1 Gbit/s', 125e6, 0.1],
  ['1 Gbit/s, 10 ms away', 125e6, 10],
  ['10 Gbit/s', 1.25e9, 0.1],
  ['100 Gbit/s', 12.5e9, 0.05],
] as const;

describe.each(LINKS)('the push over a link of %s', (_name, bytesPerSecond, leastMs) => {
  it('finds its rate within a quarter of a second, and then uses nearly all of it', () => {
    const link = new FluidLink(bytesPerSecond, leastMs);
    const found = run(link, 250);
    const before = link.deliveredBytes;
    const pacing = run(link, 2000, found);
    const used = (link.deliveredBytes - before) / (2 * bytesPerSecond);
    expect(used).toBeGreaterThan(0.93);
    expect(pacing.rate).toBeLessThan(1.1 * bytesPerSecond);
  });

  it('leaves no queue before it, apart from now and then', () => {
    const link = new FluidLink(bytesPerSecond, leastMs);
    run(link, 5000);
    const later = link.queueMs.slice(100).toSorted((a, b) => a - b);
    expect(later[Math.floor(later.length * 0.97)]).toBeLessThan(Math.max(1, leastMs / 4));
    expect(later.at(-1)).toBeLessThan(Math.max(1, leastMs / 4) + STEP_MS);
  });
});

describe('the push over a link', () => {
  it('that becomes slower follows it at once', () => {
    const link = new FluidLink(125e6, 0.1);
    const pacing = run(link, 1000);
    link.bytesPerSecond = 25e6;
    expect(run(link, 300, pacing).rate).toBeLessThan(25e6);
  });

  it('that becomes faster follows it within seconds', () => {
    const link = new FluidLink(25e6, 0.1);
    const pacing = run(link, 1000);
    link.bytesPerSecond = 50e6;
    expect(run(link, 10_000, pacing).rate).toBeGreaterThan(45e6);
  });

  it('is not slowed down by acknowledgements that a busy host sends late', () => {
    const random = seededRandom(7).unit;
    const late = (sample: LinkSample) =>
      random() < 0.2 ? { ...sample, roundTripMs: sample.roundTripMs + 4 * random() } : sample;
    expect(shareUsed(late)).toBeGreaterThan(0.85);
  });

  it('is not slowed down by acknowledgements that are late from its first moment on', () => {
    const late = (sample: LinkSample) => ({ ...sample, roundTripMs: sample.roundTripMs + 4 });
    expect(shareUsed(late)).toBeGreaterThan(0.85);
  });

  it('drains a long queue before it searches for more, however long that takes', () => {
    const link = new FluidLink(125e6, 0.1);
    const found = run(link, 1000);
    // Half a second of somebody else's bytes.
    link.queueBytes += 125e6 / 2;
    const seen = link.queueMs.length;
    run(link, 4000, found);
    const later = link.queueMs.slice(seen);
    expect(Math.max(...later)).toBeLessThan(510);
    expect(later.at(-1)).toBeLessThan(5);
  });

  it('that it cannot fill is not taken for slow', () => {
    const link = new FluidLink(12.5e9, 0.1, 400 * MIB);
    expect(run(link, 1000).rate).toBeGreaterThan(400 * MIB);
  });

  it('is never held back altogether, however little is delivered', () => {
    const link = new FluidLink(1000, 50);
    expect(run(link, 2000).rate).toBeGreaterThan(0);
  });
});

describe('whatever samples say', () => {
  it('a rate comes of them that can be set', () => {
    const amount = fc.double({ min: 0, max: 2 ** 64, noNaN: true });
    const sample = fc.record({
      laterMs: fc.double({ min: 0, max: 1000, noNaN: true }),
      deliveredBytes: amount,
      roundTripMs: amount,
      leastRoundTripMs: amount,
    });
    const rates = fc.property(fc.array(sample, { minLength: 2, maxLength: 40 }), (samples) => {
      let pacing = FIRST_PACING;
      let before: LinkSample | undefined;
      let atMs = 0;
      for (const { laterMs, ...rest } of samples) {
        atMs += laterMs;
        const now = { atMs, ...rest };
        if (before !== undefined) pacing = nextPacing(pacing, before, now);
        before = now;
        expect(pacing.rate).toBeGreaterThan(500_000);
        expect(pacing.rate).toBeLessThanOrEqual(1e12);
      }
    });
    fc.assert(rates, { seed: 31, numRuns: 500 });
  });
});

describe('two samples', () => {
  it('taken right after one another say nothing', () => {
    const sample = { atMs: 5, deliveredBytes: 0, roundTripMs: 90, leastRoundTripMs: 1 };
    expect(nextPacing(FIRST_PACING, sample, { ...sample, atMs: 6 })).toEqual(FIRST_PACING);
  });
});
