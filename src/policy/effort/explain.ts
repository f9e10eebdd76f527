/** What a page would be sent as by each compression, at a few links' rates, and why. Pure. */
import type { ContentName } from '../../native/contents.js';
import type { EffortPlan } from '../../native/effort.js';
import type { BlockOfPage, PageContent } from '../../native/inspection.js';
import { COMPRESSIONS, type Compression } from '../../vocabulary.js';
import { firstEffort, pageTimes } from './auto.js';
import { fixedPlan } from './compression.js';
import type { Ladder, Step } from './ladder.js';
import { type Rung, rungName } from './plan.js';
import { stagePlan } from './stage.js';

export interface ExplainedLink {
  readonly name: string;
  /** Bytes a second; null where nothing but memory lies between both sides. */
  readonly rate: number | null;
}

export const EXPLAINED_LINKS: readonly ExplainedLink[] = [
  { name: '100 Mbit/s', rate: 12_500_000 },
  { name: '1 Gbit/s', rate: 125_000_000 },
  { name: '10 Gbit/s', rate: 1_250_000_000 },
  { name: 'unlimited', rate: null },
];

export interface PageFacts {
  readonly content: PageContent;
  /** The page's block by each rung that encodes, by the name of the rung; by `mecom` that of the page alone. */
  readonly blocks: ReadonlyMap<string, BlockOfPage>;
}

export interface Encoders {
  readonly encoders: number;
  readonly ladder: Ladder;
}

export interface Explanation {
  readonly compression: Compression;
  /** Null for a compression that does not look at the link. */
  readonly link: string | null;
  /** Of the rounds while the guest runs: while the link waits for encoders, and while more than half of a queue waits for it. */
  readonly rung: string;
  readonly upperRung: string;
  /** As `rung`, once the guest is paused and while it runs at the destination. */
  readonly pausedRung: string;
  /** By `rung`, the first time. */
  readonly sentAs: ContentName;
  /** Of the payload, without header and entry; of a block the page's share, rounded. */
  readonly bytes: number;
  /** Sentences. */
  readonly reason: string;
}

/** `auto` at each of EXPLAINED_LINKS, then every other compression by its name. */
export function explainPage(page: PageFacts, encoders: Encoders): Explanation[] {
  return COMPRESSIONS.flatMap((compression) =>
    compression === 'auto'
      ? EXPLAINED_LINKS.map((link) => explainAuto(page, link, encoders))
      : [explainFixed(page, compression, encoders)],
  );
}

type Fixed = Exclude<Compression, 'auto'>;
const PAGE = 4096;
const WORD = 8;

/** Nothing has been measured of a guest yet: the ladder's costs and sizes count as they are. */
function explainAuto(page: PageFacts, { name, rate }: ExplainedLink, around: Encoders) {
  const { plan } = firstEffort({
    ...around,
    limit: rate ?? 0,
    local: rate === null,
    keepsVersions: false,
  });
  const why =
    rate === null
      ? 'Nothing but memory lies between both sides, so encoding would take more time than it saves.'
      : whyRung(plan, rate, around);
  return explanation(page, 'auto', name, plan, why);
}

function explainFixed(page: PageFacts, compression: Fixed, { encoders }: Encoders): Explanation {
  const plan = fixedPlan(compression, encoders, true);
  return explanation(page, compression, null, plan, whyFixed(page, plan));
}

function explanation(
  page: PageFacts,
  compression: Compression,
  link: string | null,
  plan: EffortPlan,
  why: string,
): Explanation {
  const { sentAs, bytes, reason } = fate(page, plan, why);
  const rungs = {
    rung: rungName(plan.lower),
    upperRung: rungName(plan.upper),
    pausedRung: rungName(stagePlan(plan, 'push').lower),
  };
  return { compression, link, ...rungs, sentAs, bytes, reason };
}

/** `why`: the reason for the rung, which is that of the page unless its content decides. */
function fate({ content, blocks }: PageFacts, { lower, deltas }: EffortPlan, why: string) {
  if (content === 'zero') {
    const reason = 'All its bytes are zero, so its entry says so and carries none.';
    return { sentAs: 'zero', bytes: 0, reason } as const;
  }
  // Where pages leave the guest's memory without being copied nobody looks for a word that repeats.
  const isCopied = lower.method !== 'raw' || deltas !== 'none';
  if (content === 'fill' && isCopied) {
    const reason = 'It repeats one word, so only that word is sent.';
    return { sentAs: 'fill', bytes: WORD, reason } as const;
  }
  if (lower.method === 'raw') return { sentAs: 'raw', bytes: PAGE, reason: why } as const;
  const { pages, bytes } = blocks.get(rungName(lower)) ?? { pages: 1, bytes: null };
  if (bytes === null) {
    const what = pages === 1 ? 'By itself the page' : `The block of ${pages} pages that it is in`;
    const reason = `${why} ${what} does not shrink below 95 % with it, so it is sent as it is.`;
    return { sentAs: 'raw', bytes: PAGE, reason } as const;
  }
  const sentAs = encodingBy(lower, content);
  return { sentAs, bytes: Math.round(bytes / pages), reason: why };
}

/** Of a page that is neither zero nor of one word. */
export function encodingBy(rung: Rung, content: PageContent): ContentName {
  if (rung.method === 'raw') return 'raw';
  if (rung.method === 'blocks') return rung.encoding;
  switch (content) {
    case 'sparse':
      return 'sparse';
    case 'similar':
      return 'wkdm32';
    default:
      return 'lz4';
  }
}

/** Why `auto` has these rungs at a link. */
function whyRung({ lower }: EffortPlan, rate: number, { encoders, ladder }: Encoders): string {
  const at = ladder.findIndex(({ rung }) => rungName(rung) === rungName(lower));
  const above = ladder[at + 1];
  const threads = encoders === 1 ? 'the encoder' : `${encoders} encoders`;
  const takes = (step: Step) => {
    const { encodeNs, linkNs } = pageTimes(step, encoders, rate);
    return `take ${threads} ${microseconds(encodeNs)} and the link ${microseconds(linkNs)}`;
  };
  const next = above && `with ${rungName(above.rung)} a page would ${takes(above)}`;
  if (lower.method === 'raw') return `No rung's encoders keep up with the link: ${next}.`;
  const own = `${rungName(lower)} is the highest rung whose encoders keep up with the link: a page should ${takes(ladder[at] as Step)}`;
  return next === undefined ? `${own}.` : `${own}, and ${next}.`;
}

function whyFixed({ content }: PageFacts, { lower, deltas }: EffortPlan): string {
  if (lower.method === 'mecom') {
    return `mecom chooses by a page's class, which is ${content} here.`;
  }
  if (lower.method === 'blocks') {
    return `It always encodes with ${rungName(lower)}, in blocks of ${lower.blockPages} pages.`;
  }
  return deltas === 'none'
    ? 'It sends every page as it is, unless it is zero.'
    : `It sends a page as it is the first time, and later what has changed of it (${deltas}).`;
}

function microseconds(ns: number): string {
  return `${(ns / 1000).toFixed(1)} µs`;
}
