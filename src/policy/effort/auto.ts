/**
 * The effort that suits a link and the cores that are free, found while pages are sent. Pure.
 *
 * Two rungs are in use at a time: the highest whose encoders keep the link busy, and the next. Native code takes the
 * higher one while more than half of a queue waits for the link, and the lower one otherwise, so that what is sent is a
 * mixture of both that fits the link. One rung up or down by the queue alone would swing: neighbours differ by up to seven
 * times in cost (docs/compression.md, "The controller").
 *
 * What a rung costs and comes to is in the ladder, for the machine and the memory that it was made for. Two numbers that
 * follow what is measured carry it over to these: a factor for all costs, and an exponent for what is left of a page. The
 * exponent, because memory that zstd makes half as large as usual is made smaller by the lower rungs too, but not by half, and
 * a page that is sent as it is stays a page.
 */
import type { ContentStats, Contents, ZstdLevels } from '../../native/contents.js';
import { type Ladder, PAGE, type Step } from './ladder.js';
import {
  type EffortPlan,
  LEAST_QUEUE_BYTES,
  LZ4,
  MOST_QUEUE_BYTES,
  type Rung,
  rungName,
  zstd,
} from './plan.js';

/** What was seen at one moment: totals since the channels were opened. */
export interface EffortSample {
  /** Bytes per second that the link delivers; null where it had nothing to deliver for some of the time. */
  readonly deliveryRate: number | null;
  readonly contents: Contents;
  /** Of what was encoded by zstd, by its level. */
  readonly zstdLevels: ZstdLevels;
}

/** What a link is taken for, in bytes per second. */
export interface LinkRate {
  readonly rate: number;
  /** False while nothing but a guess is known. */
  readonly measured: boolean;
}

export interface Effort {
  readonly plan: EffortPlan;
  readonly link: LinkRate;
  /** Measured ÷ table. */
  readonly cost: number;
  /** What the table's rung makes the share r of a page comes to r to this power here: 0 where nothing shrinks. */
  readonly sizeExponent: number;
  /** False while next to nothing of what was encoded became smaller. */
  readonly shrinks: boolean;
}

export interface Surroundings {
  /** The rate limit in bytes per second; 0: none. */
  readonly limit: number;
  /** Nothing but memory lies between both sides: an encoder takes more time than it can save. */
  readonly local: boolean;
  readonly encoders: number;
  readonly keepsVersions: boolean;
  readonly ladder: Ladder;
}

/** Of what 64 pages say. */
const WEIGHT_OF_64_PAGES = 0.05;
const WEIGHT_OF_A_RATE = 0.3;
/** Memory shrinks while more than this share of the pages that are not zero gets smaller. A mean of fewer pages says nothing. */
const LEAST_SHRUNK = 0.1;
const TELLING_PAGES = 256;
/** What no search of this rung makes smaller, a longer one hardly does either. */
const LONGEST_SEARCH_IN_VAIN = zstd(1);
/**
 * Below it encoders can hardly keep up with the link, and to keep a page takes as long as to encode it: most pages are not
 * written again, so the link's time that their versions save is less.
 */
const LEAST_WITH_VERSIONS = LZ4;
/** What a rung that is several times as dear has to save of all bytes: less does not make up for channels that wait for its blocks. */
const LEAST_SAVED = 0.01;
const MOST_TIMES_DEARER = 4;
/** A link that waits for pages is faster than it was taken for: so much each time, before it was measured and after. */
const FIRST_GROWTH = 1.25;
const LATER_GROWTH = 1.03;
/** Beyond every link there is. */
const MOST_RATE = 1e11;
/**
 * An encoder makes the records of a stripe, 4 MiB of pages, for one channel. With less than about a stripe in its queue a
 * channel waits whenever the stripes of its encoder cost more than those of the others.
 */
const STRIPES_QUEUE_BYTES = 2 << 20;
/** Time that a queue may hold. */
const QUEUE_MS = 20;
/**
 * Bytes a second that a link is taken for at first: 10 Gbit/s. A link that is slower says so as soon as a queue of the
 * least length is full; one that is faster would be found out only step by step.
 */
const FIRST_RATE = 1_250_000_000;

export function firstEffort(around: Surroundings): Effort {
  const link = { rate: FIRST_RATE, measured: false };
  return planned({ link, cost: 1, sizeExponent: 1, shrinks: true }, around);
}

/** What to do after `now`, when `before` was the sample that led to `effort`. */
export function nextEffort(
  effort: Effort,
  before: EffortSample,
  now: EffortSample,
  around: Surroundings,
): Effort {
  // A link that had nothing to deliver says nothing of its rate: the guest's pages may all be zero.
  const hadBytes = encodedBytes(now) > encodedBytes(before);
  const link = hadBytes ? linkAfter(effort.link, now.deliveryRate) : effort.link;
  const scales = scalesAfter(effort, before, now, around.ladder);
  return planned({ link, ...scales, shrinks: shrinksAfter(effort, before, now) }, around);
}

function shrinksAfter({ shrinks }: Effort, before: EffortSample, now: EffortSample): boolean {
  const pages = { raw: 0, shrunk: 0 };
  for (const [content, stats] of Object.entries(now.contents)) {
    if (content === 'zero') continue;
    const earlier = before.contents[content as keyof Contents];
    pages[content === 'raw' ? 'raw' : 'shrunk'] += stats.pages - (earlier?.pages ?? 0);
  }
  const all = pages.raw + pages.shrunk;
  return all < TELLING_PAGES ? shrinks : pages.shrunk / all > LEAST_SHRUNK;
}

function encodedBytes({ contents }: EffortSample): number {
  return Object.values(contents).reduce((sum, { bytesOut }) => sum + bytesOut, 0);
}

function linkAfter({ rate, measured }: LinkRate, seen: number | null): LinkRate {
  if (seen !== null) {
    return { rate: measured ? rate + (seen - rate) * WEIGHT_OF_A_RATE : seen, measured: true };
  }
  const growth = measured ? LATER_GROWTH : FIRST_GROWTH;
  return { rate: Math.min(MOST_RATE, rate * growth), measured };
}

/** How a memory and a machine differ from those of the ladder. */
type Scales = Pick<Effort, 'cost' | 'sizeExponent'>;

/** Of the rungs' own contents: deltas and zero pages say nothing of the table. */
function scalesAfter(
  { cost, sizeExponent }: Scales,
  before: EffortSample,
  now: EffortSample,
  ladder: Ladder,
): Scales {
  const sum = { pages: 0, ns: 0, tableNs: 0, logSize: 0, tableLogSize: 0 };
  for (const step of ladder) {
    const stats = statsOf(step.rung, now);
    if (stats === undefined) continue;
    const earlier = statsOf(step.rung, before);
    const pages = stats.pages - (earlier?.pages ?? 0);
    const bytes = stats.bytesOut - (earlier?.bytesOut ?? 0);
    if (pages === 0) continue;
    sum.pages += pages;
    sum.ns += (stats.encodeMs - (earlier?.encodeMs ?? 0)) * 1e6;
    sum.tableNs += pages * step.ns;
    sum.logSize += pages * Math.log(Math.min(1, bytes / pages / PAGE));
    sum.tableLogSize += pages * Math.log(step.bytes / PAGE);
  }
  if (sum.pages === 0) return { cost, sizeExponent };
  const weight = 1 - (1 - WEIGHT_OF_64_PAGES) ** (sum.pages / 64);
  return {
    cost: cost + (sum.ns / sum.tableNs - cost) * weight,
    sizeExponent: sizeExponent + (sum.logSize / sum.tableLogSize - sizeExponent) * weight,
  };
}

function statsOf(rung: Rung, { contents, zstdLevels }: EffortSample): ContentStats | undefined {
  if (rung.method !== 'blocks') return undefined;
  return rung.encoding === 'zstd' ? zstdLevels[rung.level] : contents[rung.encoding];
}

function planned(
  { link, cost, sizeExponent, shrinks }: Omit<Effort, 'plan'>,
  around: Surroundings,
): Effort {
  const rate = rateOf(link, around.limit);
  const scales = { cost, sizeExponent };
  const encodes = !around.local || around.limit > 0;
  const at = encodes ? highestThatKeepsUp(rate, scales, around) : 0;
  const above = encodes && isWorthMixing(at, rate, scales, around) ? at + 1 : at;
  const most = highestRung(around.ladder, shrinks);
  const lower = around.ladder[Math.min(at, most)] as Step;
  const upper = around.ladder[Math.min(above, most)] as Step;
  const isKnown = link.measured || around.limit > 0;
  const queueBytes = isKnown
    ? Math.max(STRIPES_QUEUE_BYTES, (rate * QUEUE_MS) / 1000)
    : LEAST_QUEUE_BYTES;
  const plan: EffortPlan = {
    lower: lower.rung,
    upper: upper.rung,
    deltas:
      around.keepsVersions && at >= placeOf(LEAST_WITH_VERSIONS, around.ladder)
        ? 'by-change'
        : 'none',
    // Without any, the threads of the channels send pages from where they lie, which takes half the time.
    encoders: encodes ? around.encoders : 0,
    queueBytes: Math.round(Math.min(MOST_QUEUE_BYTES, queueBytes)),
  };
  return { plan, link, ...scales, shrinks };
}

function highestRung(ladder: Ladder, shrinks: boolean): number {
  return shrinks ? ladder.length - 1 : placeOf(LONGEST_SEARCH_IN_VAIN, ladder);
}

function placeOf(wanted: Rung, ladder: Ladder): number {
  return ladder.findIndex(({ rung }) => rungName(rung) === rungName(wanted));
}

/** A limit is known, unless the link turns out to be slower. */
export function rateOf({ rate, measured }: LinkRate, limit: number): number {
  if (limit === 0) return rate;
  return measured ? Math.min(limit, rate) : limit;
}

/** Nanoseconds a page, by one step: all encoders together need the one, a link of this many bytes a second the other. */
export function pageTimes(
  { ns, bytes }: Pick<Step, 'ns' | 'bytes'>,
  encoders: number,
  rate: number,
): { readonly encodeNs: number; readonly linkNs: number } {
  return { encodeNs: ns / Math.max(1, encoders), linkNs: (bytes / rate) * 1e9 };
}

/**
 * Whether the rung above the highest that keeps up is worth its time. The encoders have some left, which is enough for a
 * share of the pages; that share of what the rung saves of a page is saved of all. A rung that costs hardly more is: what a
 * page costs varies, and a queue that is full says that there is time.
 */
function isWorthMixing(
  at: number,
  rate: number,
  scales: Scales,
  { encoders, ladder }: Surroundings,
): boolean {
  const [own, next] = [ladder[at], ladder[at + 1]];
  if (own === undefined || next === undefined) return false;
  if (next.ns <= MOST_TIMES_DEARER * own.ns) return true;
  const ofOwn = pageTimes(scaled(own, scales), encoders, rate);
  const ofNext = pageTimes(scaled(next, scales), encoders, rate);
  const share = (ofOwn.linkNs - ofOwn.encodeNs) / (ofNext.encodeNs - ofOwn.encodeNs);
  return share * (1 - ofNext.linkNs / ofOwn.linkNs) >= LEAST_SAVED;
}

/** What the step costs and comes to with this machine and this memory. */
function scaled({ ns, bytes }: Step, { cost, sizeExponent }: Scales): Pick<Step, 'ns' | 'bytes'> {
  return { ns: ns * cost, bytes: PAGE * (bytes / PAGE) ** sizeExponent };
}

/** The highest rung whose pages are encoded no slower than the link takes them. */
function highestThatKeepsUp(
  rate: number,
  scales: Scales,
  { encoders, ladder }: Surroundings,
): number {
  return ladder.findLastIndex((step) => {
    if (step.rung.method === 'raw') return true;
    const { encodeNs, linkNs } = pageTimes(scaled(step, scales), encoders, rate);
    return encodeNs <= linkNs;
  });
}
