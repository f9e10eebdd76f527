/** What a destination takes pages with, and asks for them. */
import type { Connection } from './connections.js';
import type { PageRun } from './memory.js';
import type { Releasable } from './releasable.js';

export interface ArrivingMemory extends Releasable {
  readonly pagesMissing: number;
  /**
   * Once, before the first page: populates these parts on threads of its own, ahead of the page channels. Settles when
   * all are, or when that is of no more use.
   */
  populateAhead(parts: readonly PageRun[]): Promise<void>;
  /** The guest does not arrive. */
  cancelPopulating(): void;
  /** `userModeSuffices`: no system call touches the guest's memory, so that one which faults may fail. */
  startServing(onComplete: () => void, userModeSuffices: boolean): void;
  complete(): void;
}

export interface PageReceiver extends Releasable {
  addChannel(channel: number, connection: Connection): void;
  hasReached(sync: number): boolean;
  /** Settles once every channel has delivered the sync, with the first failure, or CANCELLED after close. */
  waitSync(sync: number): Promise<void>;
  progress(): {
    readonly pages: number;
    readonly duplicatePages: number;
    readonly wireBytes: number;
  };
  close(): void;
}

export interface FaultLatency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface FaultHandler extends Releasable {
  stats(): {
    readonly demandFaults: number;
    readonly demandFaultsOverNetwork: number;
    readonly duplicatePages: number;
    readonly faultLatencyUs: FaultLatency;
  };
  close(): void;
}
