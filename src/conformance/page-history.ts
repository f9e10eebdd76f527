/** How one page came to the destination, as the records of a migration say it. */
import { CONTENTS, type Content } from './contents.js';
import type { ChannelName, Place } from './violation.js';

export interface PageArrival {
  readonly channel: ChannelName;
  /** Of the record: from 1 on, counted by the syncs of its channel. Null on the fault channel, where the page was asked for. */
  readonly round: number | null;
  readonly content: Content;
  /** Pages of the entry that named it: of a block those that are encoded together. */
  readonly entryPages: number;
  /** Of all these pages together, a block's bitmap among them. */
  readonly payloadBytes: number;
  /** What a delta is of: how the page came before. Null for what is no delta, and where nothing came before. */
  readonly base: Pick<PageArrival, 'round' | 'content'> | null;
  /** Of the entry, among the bytes that the channel carried to the destination. */
  readonly offset: number;
}

/** An entry that carries the page, or names it as missing. */
interface NamingEntry {
  readonly content: Content;
  readonly pages: number;
  /** Of a block; 0 for the others. */
  readonly members: number;
  readonly payloadBytes: number;
  readonly place: Place;
}

/** More are counted, and not kept: a capture of gigabytes may name the page in every record. */
const MOST_KEPT = 1000;

export class PageHistory {
  readonly page: number;
  readonly arrivals: PageArrival[] = [];
  /** Of arrivals, kept or not. */
  count = 0;
  /** Null where the capture does not say it. */
  guestPages: number | null = null;
  finalRound: number | null = null;
  #last: PageArrival | null = null;

  constructor(page: number) {
    this.page = page;
  }

  /** `round`: of a page channel. */
  add(entry: NamingEntry, round: number | null): void {
    const { content, payloadBytes, members, pages, place } = entry;
    const last = this.#last;
    const needsBase = CONTENTS[content].needsBase && last !== null;
    const arrival: PageArrival = {
      channel: place.channel,
      round,
      content,
      entryPages: members === 0 ? pages : members,
      payloadBytes,
      base: needsBase ? { round: last.round, content: last.content } : null,
      offset: place.offset,
    };
    // A page that is missing has nothing that a delta could be of.
    this.#last = content === 'missing' ? null : arrival;
    this.count += 1;
    if (this.arrivals.length < MOST_KEPT) this.arrivals.push(arrival);
  }
}
