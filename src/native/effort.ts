/** How a source is told to encode pages. */
export type Rung =
  | { readonly method: 'raw' }
  | {
      readonly method: 'blocks';
      readonly encoding: 'lz4' | 'zstd' | 'wkdm64';
      /** Of zstd, 1 … 19; the others have one. */
      readonly level: number;
      /** Encoded together, 1 … 64; at most 16 once the guest is paused. */
      readonly blockPages: number;
    }
  /** Sparse, WKdm or LZ4 by the page's class, page by page. */
  | { readonly method: 'mecom' };

/** How much is done to make pages smaller. */
export interface EffortPlan {
  /** How a page is encoded without a base: while the link waits for the encoders, and while they wait for it. */
  readonly lower: Rung;
  readonly upper: Rung;
  /**
   * How a page is encoded whose last sent version is kept. `by-change`: XBZRLE where little has changed and the link waits for
   * the encoders, zstd otherwise.
   */
  readonly deltas: 'none' | 'zstd' | 'lz4' | 'xbzrle' | 'by-change';
  /** That work at the same time, 0 … 255. */
  readonly encoders: number;
  /** Of encoded pages of one channel that wait for its socket, 64 KiB … 4 GiB. */
  readonly queueBytes: number;
}

/** How a source encodes pages. */
export interface Encoding {
  readonly effort: EffortPlan;
  /** Threads that encode; without any, those of the page channels do. */
  readonly encoders: number;
  /** Of these threads, 0 … 19: how much they give way to the guest's. */
  readonly encoderNice: number;
  /** Bytes that are kept of what was sent, as bases of deltas; 0: nothing. */
  readonly versionBytes: number;
}
