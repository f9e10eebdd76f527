/** What is known of the migration by now: what its channels tell each other by way of the two processes. */
import type { PageHistory } from './page-history.js';
import { PageSet } from './page-set.js';
import { type ChannelName, type Place, Violations } from './violation.js';

/** Which process captured: of its own channels it knows the order in which things happened. */
export type Side = 'source' | 'destination';

export interface Space {
  readonly firstPage: number;
  readonly pages: number;
  readonly pageBytes: number;
}

export interface Switchover {
  /** The final round ends with it. */
  readonly sync: number;
  readonly postCopy: boolean;
}

export interface PageChannel {
  readonly number: number;
  /** Delivered so far. Records after sync n belong to round n + 1. */
  syncs: number;
  /** The rounds in which it announced missing pages, and where first, until the switchover is known. */
  readonly announced: Map<number, Place>;
}

export const STRIPE_PAGES = 1024;

export class Migration {
  readonly violations = new Violations();
  id: Buffer | undefined;
  /** Of the control channel. */
  features = { source: 0n, destination: 0n };
  /** From `open` and `opened`. */
  spaces: readonly Space[] = [];
  pages = 0;
  channels = 0;
  isOpened = false;
  accepts: ReadonlySet<string> = new Set();
  /** Channels whose preamble was answered with *accepted*. */
  readonly accepted = new Set<ChannelName>();
  readonly pageChannels: PageChannel[] = [];
  switchover: Switchover | undefined;
  isComplete = false;
  /** Pages of the residual set that have not travelled since. */
  readonly residual = new PageSet();
  /** Pages that a record before the switchover carried: a delta of them has a base. */
  readonly carried = new PageSet();

  /** `history`: of a page that somebody asks about. */
  constructor(
    readonly side: Side,
    readonly history?: PageHistory,
  ) {}

  violates(section: string, place: Place, expected: string, found: string): void {
    this.violations.add(section, place, expected, found);
  }

  spaceOf(page: number): Space | undefined {
    return this.spaces.find(
      ({ firstPage, pages }) => page >= firstPage && page < firstPage + pages,
    );
  }

  /** On which page channel all records of this stripe travel before the switchover. */
  channelOfStripe(stripe: number): number {
    const hash = (BigInt(stripe) * 0x9e3779b97f4a7c15n) & 0xffff_ffff_ffff_ffffn;
    return Number(((hash >> 32n) * BigInt(this.channels)) >> 32n);
  }

  /** Page and fault channels that are still to be accepted before the first record. */
  channelsMissing(): string[] {
    const all = Array.from({ length: this.channels }, (_, number) => `page ${number}`);
    return [...all, 'fault'].filter((name) => !this.accepted.has(name));
  }

  /** Page channels that have not delivered the sync. */
  channelsBefore(sync: number): string[] {
    return Array.from({ length: this.channels }, (_, number) => number)
      .filter((number) => (this.pageChannels[number]?.syncs ?? 0) < sync)
      .map((number) => `page ${number}`);
  }

  pageChannel(number: number): PageChannel {
    const known = this.pageChannels[number];
    if (known !== undefined) return known;
    const channel = { number, syncs: 0, announced: new Map() };
    this.pageChannels[number] = channel;
    return channel;
  }
}
