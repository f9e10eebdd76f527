/** What the pages of an image hold, and what encodings make of them. */
import type { ContentName } from './contents.js';
import type { Releasable } from './releasable.js';

/** What a page holds: zeros, one word that repeats, or one of the classes that `mecom` goes by. */
export type PageContent = 'zero' | 'fill' | 'sparse' | 'similar' | 'other';

/** One encoding, to be tried on the pages of an image that are neither zero nor of one word. */
export interface EncodingTrial {
  readonly encoding: ContentName;
  /** Of zstd and zstd-delta; otherwise 1. */
  readonly level: number;
  /** 1 … 64 */
  readonly blockPages: number;
  /** The pages that later snapshots change, instead of those of the first one; a delta is only possible there. */
  readonly changes: boolean;
  /** About, in evenly spread runs; 0: all. */
  readonly mostPages: number;
}

export interface EncodingResult {
  readonly pages: number;
  /** Blocks that do not get below 95 % count whole. */
  readonly bytesOut: number;
  /** In such blocks. */
  readonly pagesRaw: number;
  readonly encodeNs: number;
  /** Of the other pages. */
  readonly decodeNs: number;
}

export interface BlockOfPage {
  /** Encoded together; 0 for a page that is zero or of one word. */
  readonly pages: number;
  /** Of the block; null where it does not shrink below 95 %, and would be sent as it is. */
  readonly bytes: number | null;
}

/** An image file that is open. */
export interface Image extends Releasable {
  /** The pages of the first snapshot. */
  countContents(): Promise<Readonly<Record<PageContent, number>>>;
  /** PROTOCOL where a block was decoded to something else. */
  tryEncoding(trial: EncodingTrial): Promise<EncodingResult>;
  /** At the first snapshot. */
  lookAtPage(page: number): Promise<PageContent>;
  /** Bytes of that page encoded by itself; null where they are no fewer. Not for a delta. */
  tryPage(page: number, encoding: ContentName, level: number): Promise<number | null>;
  /** The block that a sender would put this page into, 1 to 64 pages long. Not for a delta. */
  tryBlockOf(
    page: number,
    encoding: ContentName,
    level: number,
    blockPages: number,
  ): Promise<BlockOfPage>;
}
