/** What a source sends pages with, and answers requests. */
import type { Link } from './connections.js';
import type { ContentName, Contents, ZstdLevels } from './contents.js';
import type { EffortPlan } from './effort.js';
import type { DirtyTracker, PageSet } from './memory.js';
import type { Releasable } from './releasable.js';

/** Where the threads of the page channels waited, added up. */
export interface Waits {
  /** For the socket to take what they send. */
  readonly socketMs: number;
  /** For the rate limit. */
  readonly rateMs: number;
  /** For pages to be encoded. */
  readonly encoderMs: number;
}

export interface SendStats {
  readonly contents: Contents;
  /** Of the content `zstd`, by its level. */
  readonly zstdLevels: ZstdLevels;
  readonly waits: Waits;
  readonly pagesSkipped: number;
  readonly wireBytes: number;
  readonly ms: number;
}

export interface ResidualSet {
  count(): number;
  add(pages: PageSet): void;
}

/** Has a thread for each page channel from its creation on. release() cancels, and waits for those to end. */
export interface PageSender extends Releasable {
  readonly lastSync: number;
  /** Pages that the tracker finds written again are left out: they are dirty, and sent later. */
  sendRound(pages: PageSet, skipHot: DirtyTracker): Promise<SendStats>;
  /**
   * With the guest paused: adds to `pages` what was written since the last harvest, or without a tracker what
   * is populated by now; then sends them, or announces them as the residual set.
   */
  finalRound(pages: PageSet, tracker: DirtyTracker | null, announce: boolean): Promise<SendStats>;
  push(residual: ResidualSet): Promise<SendStats>;
  /** What all calls have sent so far, also those that failed: pages whose bytes are in the sockets. */
  progress(): {
    readonly pages: Readonly<Partial<Record<ContentName, number>>>;
    /** Encoded so far, sent or not. */
    readonly contents: Contents;
    readonly zstdLevels: ZstdLevels;
    readonly wireBytes: number;
  };
  /** From the next block on. */
  setEffort(plan: EffortPlan): void;
  /** Bytes that are kept of what was sent. */
  readonly versionBytes: number;
  /** Bytes in the sockets that the peer's kernel has not acknowledged: they are on their way. */
  unacknowledgedBytes(): number;
  /** Null where the destination is on this host, and while nothing is on its way. */
  link(): Link | null;
  /** Every call under way or to come fails with CANCELLED; the connections are shut down. */
  cancel(): void;
}

export interface PageServer extends Releasable {
  /** Whether pages are sent as LZ4 from now on, where that makes them smaller. */
  compress(on: boolean): void;
  stats(): {
    readonly pages: number;
    readonly pagesZero: number;
    readonly pagesLz4: number;
    readonly wireBytes: number;
  };
  close(): void;
}
