/**
 * The effort that suits a link and the cores that are free, found while pages are sent. Pure.
 *
 * Two rungs are in use at a time: the highest whose encoders keep the link busy, and the next. Native code takes the
 * higher one while more than half of a queue waits for the link, and the lower one otherwise, so that what is sent is a
 * mixture of both that fits the link. One rung up or down by the queue alone would swing: neighbours differ by up to seven
 * times in cost (docs/compression.md, "The controller").
 *
 * The costs of all rungs come from a table, scaled by two numbers that follow what is measured: cost and size.
 */
import type { ContentStats, Contents, ZstdLevels } from '../../native/binding.js';
import { LADDER, type Step } from './ladder.js';
import {
  type Deltas,
  type EffortPlan,
  LEAST_QUEUE_BYTES,
  MOST_QUEUE_BYTES,
  type Rung,
} from './plan.js';

/** What was seen at one moment: totals since the channels were opened. */
export interface EffortSample {
  readonly atMs: number;
  /** Acknowledged by the destination's host, or in its sockets' buffers. */
  readonly deliveredBytes: number;
  /** Encoded, and not delivered yet. */
  readonly waitingBytes: number;
  readonly contents: Contents;
  /** Of what was encoded by zstd, by its level. */
  readonly zstdLevels: ZstdLevels;
}

export interface Effort {
  readonly plan: EffortPlan;
  /** Bytes per second; null until it was measured. */
  readonly linkRate: number | null;
  /** Measured ÷ table. */
  readonly cost: number;
  readonly size: number;
}

export interface Surroundings {
  /** The rate limit in bytes per second; 0: none. */
  readonly limit: number;
  /** Nothing but memory lies between both sides: an encoder takes more time than it can save. */
  readonly local: boolean;
  readonly encoders: number;
  readonly keepsVersions: boolean;
}

/** Of a block of 16 pages; the weight of what 64 pages say. */
const WEIGHT_OF_64_PAGES = 0.05;
const WEIGHT_OF_A_RATE = 0.3;
/** Less than this does not say that the link was busy all the time. */
const LEAST_WAITING_BYTES = 128 << 10;
const LEAST_INTERVAL_MS = 4;
/** Time that a queue may hold. */
const QUEUE_MS = 20;
/** Bytes a second, until the link was measured: 1 Gbit/s. */
const FIRST_RATE = 125_000_000;

export function firstEffort(around: Surroundings): Effort {
  return planned({ linkRate: null, cost: 1, size: 1 }, around);
}

/** What to do after `now`, when `before` was the sample that led to `effort`. */
export function nextEffort(
  effort: Effort,
  before: EffortSample,
  now: EffortSample,
  around: Surroundings,
): Effort {
  const linkRate = rateAfter(effort.linkRate, before, now);
  const { cost, size } = scalesAfter(effort, before, now);
  return planned({ linkRate, cost, size }, around);
}

/** A link on which bytes waited at both ends of the interval delivered as fast as it can. */
function rateAfter(rate: number | null, before: EffortSample, now: EffortSample): number | null {
  const ms = now.atMs - before.atMs;
  const wasBusy = Math.min(before.waitingBytes, now.waitingBytes) >= LEAST_WAITING_BYTES;
  if (ms < LEAST_INTERVAL_MS || !wasBusy) return rate;
  const seen = Math.max(1, ((now.deliveredBytes - before.deliveredBytes) / ms) * 1000);
  return rate === null ? seen : rate + (seen - rate) * WEIGHT_OF_A_RATE;
}

/** Of the rungs' own contents: deltas and zero pages say nothing of the table. */
function scalesAfter(
  { cost, size }: Pick<Effort, 'cost' | 'size'>,
  before: EffortSample,
  now: EffortSample,
): Pick<Effort, 'cost' | 'size'> {
  const sum = { pages: 0, ns: 0, bytes: 0, tableNs: 0, tableBytes: 0 };
  for (const step of LADDER) {
    const stats = statsOf(step.rung, now);
    if (stats === undefined) continue;
    const earlier = statsOf(step.rung, before);
    const pages = stats.pages - (earlier?.pages ?? 0);
    sum.pages += pages;
    sum.ns += (stats.encodeMs - (earlier?.encodeMs ?? 0)) * 1e6;
    sum.bytes += stats.bytesOut - (earlier?.bytesOut ?? 0);
    sum.tableNs += pages * step.ns;
    sum.tableBytes += pages * step.bytes;
  }
  if (sum.pages === 0) return { cost, size };
  const weight = 1 - (1 - WEIGHT_OF_64_PAGES) ** (sum.pages / 64);
  return {
    cost: cost + (sum.ns / sum.tableNs - cost) * weight,
    size: size + (sum.bytes / sum.tableBytes - size) * weight,
  };
}

function statsOf(rung: Rung, { contents, zstdLevels }: EffortSample): ContentStats | undefined {
  if (rung.method !== 'blocks') return undefined;
  return rung.encoding === 'zstd' ? zstdLevels[rung.level] : contents[rung.encoding];
}

function planned(
  { linkRate, cost, size }: Pick<Effort, 'linkRate' | 'cost' | 'size'>,
  around: Surroundings,
): Effort {
  const measured = linkRate ?? FIRST_RATE;
  const rate = around.limit > 0 ? Math.min(around.limit, linkRate ?? around.limit) : measured;
  const at = around.local && around.limit === 0 ? 0 : highestThatKeepsUp(rate, cost, size, around);
  const above = around.local && around.limit === 0 ? 0 : at + 1;
  const lower = LADDER[at] as Step;
  const upper = LADDER[Math.min(above, LADDER.length - 1)] as Step;
  const queueBytes = (rate * QUEUE_MS) / 1000;
  const plan: EffortPlan = {
    lower: lower.rung,
    upper: upper.rung,
    deltas: around.keepsVersions && lower.rung.method !== 'raw' ? deltasOf(upper.rung) : 'none',
    encoders: around.encoders,
    queueBytes: Math.round(Math.min(MOST_QUEUE_BYTES, Math.max(LEAST_QUEUE_BYTES, queueBytes))),
  };
  return { plan, linkRate, cost, size };
}

/** The highest rung whose pages are encoded no slower than the link takes them. */
function highestThatKeepsUp(
  rate: number,
  cost: number,
  size: number,
  { encoders }: Surroundings,
): number {
  return LADDER.findLastIndex(({ rung, ns, bytes }) => {
    if (rung.method === 'raw') return true;
    const encodeNs = (ns * cost) / Math.max(1, encoders);
    return encodeNs <= ((bytes * size) / rate) * 1e9;
  });
}

/** A delta by the method of its rung. Where pages may go as they are there is no time to copy them first, as a base must be. */
function deltasOf(rung: Rung): Deltas {
  if (rung.method !== 'blocks') return 'none';
  return rung.encoding === 'zstd' ? 'zstd' : 'lz4';
}
