/** Tells the sender how much to do to make pages smaller, and follows link and encoders while it sends. */
import { availableParallelism } from 'node:os';
import type { EffortReport } from '../metrics/report.js';
import type { EffortPlan, Encoding } from '../native/effort.js';
import type { PageSender, PageServer } from '../native/sending.js';
import {
  type Effort,
  type EffortSample,
  firstEffort,
  nextEffort,
  type Surroundings,
} from '../policy/effort/auto.js';
import { fixedPlan } from '../policy/effort/compression.js';
import { compressesDemandPages } from '../policy/effort/demand.js';
import { niceOf } from '../policy/effort/guest-share.js';
import { LADDER } from '../policy/effort/ladder.js';
import { type LinkReading, rateBetween } from '../policy/effort/link-rate.js';
import { rungName } from '../policy/effort/plan.js';
import { type Stage, stagePlan } from '../policy/effort/stage.js';
import type { Compression } from '../vocabulary.js';
import { measuredLadder } from './encode-costs.js';
import type { ResolvedOptions } from './options.js';

const SAMPLE_EVERY_MS = 20;
/** While nothing is known of the link: a short migration is over before it has been looked at twice otherwise. */
const FIRST_SAMPLES_EVERY_MS = 5;
/** More would only wait for each other's memory. */
const MOST_ENCODERS = 64;

/** Threads that a sender encodes with here. */
export function encodersHere(): number {
  return Math.min(MOST_ENCODERS, availableParallelism());
}

/** What the sender is made with. Only once it is connected it can be told what lies between both sides. */
export function firstEncoding(
  compression: Compression,
  { strategy, cacheBytes, guestShare }: ResolvedOptions,
): Encoding {
  const versionBytes = strategy.repeats === false ? 0 : cacheBytes;
  const encoders = compression === 'raw' ? 0 : encodersHere();
  const keeps = versionBytes > 0;
  const fixed = compression === 'auto' ? 'raw' : compression;
  return {
    effort: fixedPlan(fixed, encoders, keeps),
    encoders,
    encoderNice: niceOf(guestShare),
    versionBytes,
  };
}

/** Decides anew every few milliseconds where the compression is `auto`; otherwise once for each stage. */
export class EffortDriver {
  readonly #sender: PageSender;
  #around: Surroundings;
  readonly #compression: Compression;
  readonly #fixed: EffortPlan | null;
  #effort: Effort;
  #stage: Stage = 'live';
  #before: EffortSample | undefined;
  #reading: LinkReading | undefined;
  #timer: NodeJS.Timeout | undefined;
  #told = '';
  #server: PageServer | undefined;

  constructor(
    compression: Compression,
    { bandwidthBytesPerSecond }: ResolvedOptions,
    sender: PageSender,
    { effort, encoders, versionBytes }: Encoding,
  ) {
    this.#sender = sender;
    this.#compression = compression;
    this.#fixed = compression === 'auto' ? null : effort;
    this.#around = {
      limit: bandwidthBytesPerSecond,
      local: sender.link() === null,
      encoders,
      keepsVersions: versionBytes > 0,
      ladder: LADDER,
    };
    this.#effort = firstEffort(this.#around);
  }

  begin(): void {
    this.#tell();
    // Within one host the plan never changes, unless a limit stands for a link.
    const { local, limit } = this.#around;
    if (this.#fixed !== null || (local && limit === 0)) return;
    this.#lookSoon();
    // Until then the ladder is one that was measured elsewhere.
    void measuredLadder().then((ladder) => {
      this.#around = { ...this.#around, ladder };
    });
  }

  /** From now on it tells the server, too. */
  serve(server: PageServer): void {
    this.#server = server;
    this.#tell();
  }

  enter(stage: Stage): void {
    this.#stage = stage;
    this.#tell();
  }

  /** What it has decided last, and what that rests on. */
  get report(): EffortReport {
    const { lower, upper, deltas, encoders } = stagePlan(
      this.#fixed ?? this.#effort.plan,
      this.#stage,
    );
    const { link, cost, sizeExponent } = this.#effort;
    return {
      lower: rungName(lower),
      upper: rungName(upper),
      deltas,
      encoders,
      linkBytesPerSecond: this.#fixed === null && link.measured ? link.rate : null,
      costScale: this.#fixed === null ? cost : null,
      sizeExponent: this.#fixed === null ? sizeExponent : null,
    };
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #lookSoon(): void {
    const isKnown = this.#effort.link.measured || this.#around.limit > 0;
    const everyMs = isKnown ? SAMPLE_EVERY_MS : FIRST_SAMPLES_EVERY_MS;
    this.#timer = setTimeout(() => {
      this.#look();
      this.#lookSoon();
    }, everyMs);
  }

  #look(): void {
    const reading = readingOf(this.#sender);
    const deliveryRate = rateBetween(this.#reading ?? reading, reading);
    if (this.#reading !== undefined && deliveryRate === undefined) return;
    this.#reading = reading;
    const now = { ...encodedBy(this.#sender), deliveryRate: deliveryRate ?? null };
    if (this.#before !== undefined) {
      this.#effort = nextEffort(this.#effort, this.#before, now, this.#around);
    }
    this.#before = now;
    this.#tell();
  }

  #tell(): void {
    this.#server?.compress(
      compressesDemandPages(this.#compression, this.#effort.link, this.#around),
    );
    const plan = stagePlan(this.#fixed ?? this.#effort.plan, this.#stage);
    const text = JSON.stringify(plan);
    if (text === this.#told) return;
    this.#told = text;
    this.#sender.setEffort(plan);
  }
}

function encodedBy(sender: PageSender): Pick<EffortSample, 'contents' | 'zstdLevels'> {
  const { contents, zstdLevels } = sender.progress();
  return { contents, zstdLevels };
}

function readingOf(sender: PageSender): LinkReading {
  const link = sender.link();
  return {
    deliveredBytes: link?.deliveredBytes ?? 0,
    busyMs: link?.busyMs ?? 0,
    deliveryRate: link?.deliveryBytesPerSecond ?? null,
  };
}
