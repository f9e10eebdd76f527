/** A guest of an embedder's own whose calls a test holds, fails or watches. Nothing writes its memory. */

import type { Guest } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import type { GuestMemory } from '../../src/native/memory.js';
import { atEnd } from './at-end.js';

export type GuestCall = 'pause' | 'resume' | 'saveState' | 'loadState';

/** What a call does before it is answered: takes its time, rejects, or never settles. */
export type Before = () => Promise<void>;

export const never: Before = () => new Promise(() => {});
export function failing(message: string): Before {
  return () => Promise.reject(new Error(message));
}

export class HeldGuest implements Guest {
  /** Runs, as far as it was told. */
  isRunning = false;
  discarded = false;
  readonly calls: string[] = [];
  state = Uint8Array.of(1);

  constructor(
    readonly memory: GuestMemory,
    readonly before: Partial<Record<GuestCall, Before>> = {},
  ) {}

  pause(): Promise<void> {
    this.isRunning = false;
    return this.#answer('pause', undefined);
  }

  async resume(): Promise<void> {
    await this.#answer('resume', undefined);
    this.isRunning = true;
  }

  saveState(): Promise<Uint8Array> {
    return this.#answer('saveState', this.state);
  }

  loadState(state: Uint8Array): Promise<void> {
    this.state = Uint8Array.from(state);
    return this.#answer('loadState', undefined);
  }

  discard(): void {
    this.discarded = true;
  }

  async #answer<T>(call: GuestCall, value: T): Promise<T> {
    this.calls.push(call);
    await this.before[call]?.();
    return value;
  }
}

/** One that runs here, with so many pages of content. */
export function heldGuest(before: Partial<Record<GuestCall, Before>> = {}, pages = 256): HeldGuest {
  const memory = createGuestMemory([pages * 4096]);
  atEnd(() => memory.release());
  new Uint8Array(memory.window(0, pages * 4096)).fill(7);
  const guest = new HeldGuest(memory, before);
  guest.isRunning = true;
  return guest;
}
