/** Guests for clients that bring none of ours: memory alone. */
import type { Guest, GuestFactory } from '../../src/guest/guest.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import type { GuestMemory } from '../../src/native/memory.js';

/** Takes any memory; its state is anything but nothing. */
class AnyGuest implements Guest {
  constructor(readonly memory: GuestMemory) {}
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async saveState(): Promise<Uint8Array> {
    return Uint8Array.of(1);
  }
  async loadState(state: Uint8Array): Promise<void> {
    if (state.byteLength > 0) throw new Error('this state is not mine');
  }
  discard(): void {
    this.memory.release();
  }
}

/** A guest without a description is memory alone; any other is one of ours. */
export const takeAnything: GuestFactory = async (memory, description) =>
  description.byteLength === 0
    ? new AnyGuest(memory)
    : await WorkloadGuest.arrive(memory, description);
