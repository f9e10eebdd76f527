/** A guest of an embedder's own whose calls a test holds, fails or watches. Nothing writes its memory. */

import type { Guest } from '../../src/guest/guest.js';
import type { GuestMemory } from '../../src/native/binding.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { atEnd } from './at-end.js';

export type GuestCall = 'pause' | 'resume' | 'saveState' | 'loadState';

/** What a call does instead of being answered: rejects, or never settles. */
export type Instead = () => Promise<never>;

export const never: Instead = () => new Promise(() => {});
export function failing(message: string): Instead {
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
    readonly instead: Partial<Record<GuestCall, Instead>> = {},
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
    return (await this.instead[call]?.()) ?? value;
  }
}

/** One that runs here, with so many pages of content. */
export function heldGuest(
  instead: Partial<Record<GuestCall, Instead>> = {},
  pages = 256,
): HeldGuest {
  const memory = createGuestMemory([pages * 4096]);
  atEnd(() => memory.release());
  new Uint8Array(memory.window(0, pages * 4096)).fill(7);
  const guest = new HeldGuest(memory, instead);
  guest.isRunning = true;
  return guest;
}
