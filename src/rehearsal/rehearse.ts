/** Runs the code of a migration once before a guest depends on it. */
import { Destination } from '../destination/destination.js';
import type { Guest } from '../guest/guest.js';
import type { GuestMemory } from '../native/binding.js';
import { createGuestMemory } from '../native/machine.js';
import { Source } from '../source/source.js';

const STRATEGIES = ['pre-copy', 'post-copy'] as const;
const HOST = '127.0.0.1';
const MEMORY_BYTES = 16 << 12;
/** Nothing here takes longer than some milliseconds; whoever waits for this waits for it in vain. */
const PATIENCE_MS = 2000;

/** Memory alone: nothing runs on it. */
class StillGuest implements Guest {
  constructor(readonly memory: GuestMemory) {}
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async saveState(): Promise<Uint8Array> {
    return new Uint8Array(1);
  }
  async loadState(): Promise<void> {}
  discard(): void {
    this.memory.release();
  }
}

/**
 * Migrates a guest of a few pages within this process, over loopback, by pre-copy and by post-copy.
 *
 * JavaScript is compiled when it first runs, and without this much of the switchover first runs while a guest
 * is paused: a process's first switchover takes about 0.7 ms longer (docs/decisions/0014). Call it once, in
 * the source and in the destination, while nobody waits; it takes 0.05 to 0.1 s. It never rejects: what cannot
 * be rehearsed here, the migration itself will report.
 */
export async function rehearse(): Promise<void> {
  try {
    const destination = await Destination.listen({
      host: HOST,
      createGuest: async (memory) => new StillGuest(memory),
    });
    destination.on('arrived', (guest) => guest.discard?.());
    try {
      for (const strategy of STRATEGIES) await migrateOnce(destination.port, strategy);
    } finally {
      await destination.close();
    }
  } catch {
    // See above.
  }
}

async function migrateOnce(port: number, strategy: (typeof STRATEGIES)[number]): Promise<void> {
  const guest = new StillGuest(createGuestMemory([MEMORY_BYTES]));
  try {
    const source = new Source(guest, {
      host: HOST,
      port,
      strategy,
      connectMs: PATIENCE_MS,
      stallMs: PATIENCE_MS,
    });
    await source.migrate();
  } finally {
    guest.discard();
  }
}
