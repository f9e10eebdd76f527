/**
 * Encoders, a queue and a link in virtual time: what `auto` would do with a guest whose pages' costs and sizes are known.
 *
 * An encoder takes a block, encodes it by the rung that the queue asks for, and waits until the queue has room for it. The
 * link takes what is in the queue and in the sockets behind it, at its rate.
 */
import type { Contents } from '../../../src/native/contents.js';
import type { EffortPlan, Rung } from '../../../src/native/effort.js';
import {
  type Effort,
  type EffortSample,
  firstEffort,
  nextEffort,
  type Surroundings,
} from '../../../src/policy/effort/auto.js';
import { LADDER } from '../../../src/policy/effort/ladder.js';
import { rungName } from '../../../src/policy/effort/plan.js';
import { type Random, seededRandom } from '../../support/random.js';

export const PAGE_BYTES = 4096;
const SAMPLE_MS = 20;

/** What a rung really makes of a page. */
export interface Outcome {
  readonly ns: number;
  readonly bytes: number;
}

/** Of each rung of the ladder, in its order. */
export type Profile = readonly Outcome[];

export interface Sending {
  readonly profile: Profile;
  /** Bytes per second. */
  readonly linkRate: number;
  readonly encoders: number;
  readonly pages: number;
  readonly seed: number;
  readonly limit?: number;
  /** How blocks differ from the profile: by a factor of 1 - spread … 1 + spread. */
  readonly spread?: number;
}

export interface Sent {
  readonly ms: number;
  /** What was decided, 20 ms apart. */
  readonly efforts: readonly Effort[];
}

interface Encoder {
  freeAtMs: number;
  /** Encoded, and waiting for room in the queue. */
  waiting: number;
}

/** Of pages that were encoded so far, in the form in which native code reports them. */
class Totals {
  readonly #byRung = new Map<string, { pages: number; bytesOut: number; encodeMs: number }>();

  add(rung: Rung, pages: number, bytesOut: number, encodeMs: number): void {
    const name = rungName(rung);
    const before = this.#byRung.get(name) ?? { pages: 0, bytesOut: 0, encodeMs: 0 };
    this.#byRung.set(name, {
      pages: before.pages + pages,
      bytesOut: before.bytesOut + bytesOut,
      encodeMs: before.encodeMs + encodeMs,
    });
  }

  get sample(): Pick<EffortSample, 'contents' | 'zstdLevels'> {
    const each = [...this.#byRung].map(
      ([name, stats]) => [name, { ...stats, bytesIn: stats.pages * PAGE_BYTES }] as const,
    );
    const levels = each.filter(([name]) => name.startsWith('zstd:'));
    const contents: Contents = Object.fromEntries(each.filter(([name]) => !name.includes(':')));
    return {
      contents,
      zstdLevels: Object.fromEntries(
        levels.map(([name, stats]) => [Number(name.slice('zstd:'.length)), stats]),
      ),
    };
  }
}

/** The link, with what waits for it. */
class Link {
  readonly #rate: number;
  readonly #socketBytes: number;
  #bytes = 0;
  #atMs = 0;
  #wasIdle = false;

  constructor(bytesPerSecond: number) {
    this.#rate = bytesPerSecond / 1000;
    this.#socketBytes = Math.min(4 << 20, Math.max(256 << 10, this.#rate * 10));
  }

  get queued(): number {
    return Math.max(0, this.#bytes - this.#socketBytes);
  }

  put(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Until the queue has room for so many bytes. */
  msUntilRoom(bytes: number, most: number): number {
    return this.queued === 0 ? 0 : Math.max(0, (this.queued + bytes - most) / this.#rate);
  }

  get atMs(): number {
    return this.#atMs;
  }

  get msUntilEmpty(): number {
    return this.#bytes / this.#rate;
  }

  advance(toMs: number): void {
    const delivered = (toMs - this.#atMs) * this.#rate;
    if (delivered > this.#bytes) this.#wasIdle = true;
    this.#bytes = Math.max(0, this.#bytes - delivered);
    this.#atMs = toMs;
  }

  /** As the kernel says it, since this was asked last. */
  deliveryRate(): number | null {
    const rate = this.#wasIdle ? null : this.#rate * 1000;
    this.#wasIdle = this.#bytes === 0;
    return rate;
  }
}

export function simulate(sending: Sending): Sent {
  const { encoders: count, limit = 0 } = sending;
  const around: Surroundings = {
    limit,
    local: false,
    encoders: count,
    keepsVersions: true,
    ladder: LADDER,
  };
  const random = seededRandom(sending.seed);
  const link = new Link(limit > 0 ? Math.min(limit, sending.linkRate) : sending.linkRate);
  const totals = new Totals();
  const encoders: Encoder[] = Array.from({ length: count }, () => ({ freeAtMs: 0, waiting: 0 }));
  const efforts = [firstEffort(around)];
  let before: EffortSample = { deliveryRate: null, ...totals.sample };
  let left = sending.pages;
  let sampleAtMs = SAMPLE_MS;
  while (true) {
    const encoder = encoders.reduce((first, each) =>
      each.freeAtMs < first.freeAtMs ? each : first,
    );
    if (encoder.freeAtMs === Number.POSITIVE_INFINITY) break;
    const effort = efforts.at(-1) as Effort;
    if (sampleAtMs <= encoder.freeAtMs) {
      link.advance(sampleAtMs);
      const now: EffortSample = { deliveryRate: link.deliveryRate(), ...totals.sample };
      efforts.push(nextEffort(effort, before, now, around));
      before = now;
      sampleAtMs += SAMPLE_MS;
      continue;
    }
    link.advance(encoder.freeAtMs);
    const wait = link.msUntilRoom(encoder.waiting, effort.plan.queueBytes);
    if (encoder.waiting > 0 && wait > 0) {
      encoder.freeAtMs += wait + 1e-6;
      continue;
    }
    link.put(encoder.waiting);
    encoder.waiting = 0;
    left -= encodeBlock(encoder, effort.plan, link, left, sending, random, totals);
  }
  return { ms: link.atMs + link.msUntilEmpty, efforts };
}

/** Begins the next block, if there is one; answers its pages. */
function encodeBlock(
  encoder: Encoder,
  plan: EffortPlan,
  link: Link,
  left: number,
  { profile, spread = 0.4 }: Sending,
  random: Random,
  totals: Totals,
): number {
  if (left === 0) {
    encoder.freeAtMs = Number.POSITIVE_INFINITY;
    return 0;
  }
  const rung = link.queued > plan.queueBytes / 2 ? plan.upper : plan.lower;
  const pages = Math.min(left, rung.method === 'blocks' ? rung.blockPages : 16);
  const { ns, bytes } = profile[indexOf(rung)] as Outcome;
  const factor = () => 1 - spread + 2 * spread * random.unit();
  const encodeMs = (pages * ns * factor()) / 1e6;
  const size = Math.min(PAGE_BYTES, rung.method === 'raw' ? bytes : bytes * factor()) * pages;
  totals.add(rung, pages, size, encodeMs);
  encoder.waiting = size;
  encoder.freeAtMs += encodeMs;
  return pages;
}

export function indexOf(rung: Rung): number {
  return LADDER.findIndex((step) => rungName(step.rung) === rungName(rung));
}

/** Milliseconds that the best mixture of two rungs would take, or the best one of them, with nothing to find out. */
export function bestBlendMs({ profile, linkRate, encoders, pages, limit = 0 }: Sending): number {
  const rate = limit > 0 ? Math.min(limit, linkRate) : linkRate;
  const cpuMs = ({ ns }: Outcome) => (pages * ns) / encoders / 1e6;
  const linkMs = ({ bytes }: Outcome) => ((pages * bytes) / rate) * 1000;
  let best = Number.POSITIVE_INFINITY;
  for (const one of profile) {
    for (const other of profile) {
      // In a share of `one` both take as long, unless one of them takes longer throughout.
      const slope = cpuMs(one) - cpuMs(other) - linkMs(one) + linkMs(other);
      const even = slope === 0 ? 0 : (linkMs(other) - cpuMs(other)) / slope;
      for (const share of [0, 1, Math.min(1, Math.max(0, even))]) {
        const mixed = (ms: (outcome: Outcome) => number) =>
          share * ms(one) + (1 - share) * ms(other);
        best = Math.min(best, Math.max(mixed(cpuMs), mixed(linkMs)));
      }
    }
  }
  return best;
}
