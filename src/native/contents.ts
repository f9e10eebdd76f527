/** What entries of pages records carry, and what the pages of each content came to. */
/** What an entry of a pages record carries. */
export type ContentName =
  | 'raw'
  | 'zero'
  | 'lz4'
  | 'zstd'
  | 'wkdm64'
  | 'wkdm32'
  | 'sparse'
  | 'zstd-delta'
  | 'lz4-delta'
  | 'xbzrle'
  | 'fill'
  | 'missing';

/** What an entry's payload is: its pages, nothing, a word, a block, a bit a page or nothing. */
export type PayloadRule = 'pages' | 'none' | 'word' | 'block' | 'bitmap';

export interface ContentTraits {
  readonly id: number;
  readonly mostPages: number;
  readonly payload: PayloadRule;
  /** Decoded beside an older content of its page. */
  readonly needsBase: boolean;
}

/** What the pages of one content came to. */
export interface ContentStats {
  readonly pages: number;
  /** Of the pages, and of their payload on the wire. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of all encoders together; 0 for pages that need none. */
  readonly encodeMs: number;
}

/** Those of which there are pages. */
export type Contents = Readonly<Partial<Record<ContentName, ContentStats>>>;

/** Of the content `zstd`, by level. */
export type ZstdLevels = Readonly<Record<number, ContentStats>>;
