/** How a migration stands, for whoever asks with `query` (docs/protocol.md, 3.4). */
import type { ErrorCode } from '../errors.js';
import type { OUTCOME_STATES } from '../protocol/messages.js';
import type { DestinationEnd, DestinationState } from './state.js';

export interface Standing {
  readonly state: (typeof OUTCOME_STATES)[number];
  /** Why, where that is known and bad. */
  readonly code?: ErrorCode;
  /** A moment of performance.now(). */
  readonly since: number;
}

/** In the order in which a migration goes through its states. Of one that has ended it depends on how. */
export const STANDS_AS: Readonly<Record<DestinationState['kind'], Standing['state'] | undefined>> =
  {
    opening: 'arriving',
    copying: 'arriving',
    ready: 'arriving',
    resuming: 'running',
    running: 'running',
    complete: 'complete',
    ended: undefined,
  };

/** How a migration stands from its end on; `before` is how it stood until then. */
export function standingAtEnd(end: DestinationEnd, before: Standing): Standing {
  switch (end.kind) {
    case 'asked':
    case 'arrived':
      return before;
    case 'dropped':
      return { state: 'failed', code: end.error.code, since: performance.now() };
    case 'lost':
      return { state: 'lost', code: end.error.code, since: performance.now() };
    default:
      throw new Error(`no such end: ${JSON.stringify(end satisfies never)}`);
  }
}
