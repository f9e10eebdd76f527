/** How migrations ended, for a while: what `query` is answered with, and why an id is in use (docs/protocol.md, 3.4). */
import type { DestinationMessage } from '../protocol/messages.js';
import type { Standing } from './standing.js';

export type Outcome = Omit<Extract<DestinationMessage, { type: 'outcome' }>, 'type'>;

export const OUTCOMES_REMEMBERED = 4096;
export const REMEMBERED_MS = 3_600_000;

const UNKNOWN: Outcome = { state: 'unknown', code: '', sinceMs: 0 };

export class Outcomes {
  readonly #now: () => number;
  /** The oldest first. */
  readonly #ended = new Map<string, { readonly standing: Standing; readonly endedAt: number }>();

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** The migration of this id has ended so. */
  remember(id: string, standing: Standing): void {
    this.#forget();
    this.#ended.delete(id);
    this.#ended.set(id, { standing, endedAt: this.#now() });
    if (this.#ended.size <= OUTCOMES_REMEMBERED) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  has(id: string): boolean {
    this.#forget();
    return this.#ended.has(id);
  }

  /** What is answered to a query: `under way` of a migration that has not ended, or what is remembered. */
  of(id: string, underWay: Standing | undefined): Outcome {
    this.#forget();
    const standing = underWay ?? this.#ended.get(id)?.standing;
    if (standing === undefined) return UNKNOWN;
    const { state, code = '', since } = standing;
    return { state, code, sinceMs: Math.max(0, this.#now() - since) };
  }

  #forget(): void {
    const before = this.#now() - REMEMBERED_MS;
    for (const [id, { endedAt }] of this.#ended) {
      if (endedAt >= before) return;
      this.#ended.delete(id);
    }
  }
}
