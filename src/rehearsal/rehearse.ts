/** Runs the code of a migration before a guest depends on it. */
import { Destination } from '../destination/destination.js';
import { WorkloadGuest, type WorkloadOptions } from '../guest/workload-guest.js';
import { Source } from '../source/source.js';

const STRATEGIES = ['pre-copy', 'post-copy'] as const;
const HOST = '127.0.0.1';
/** A few pages, all with content, and nothing that writes to them. */
const GUEST: WorkloadOptions = {
  workload: 'idle',
  memoryBytes: 16 << 12,
  fill: { kind: 'random' },
};
/** Nothing here takes longer than some milliseconds; whoever waits for this waits for it in vain. */
const PATIENCE_MS = 2000;
/** V8 compiles what runs often again, and better. Fifty take 0.5 s and gain no more. */
const REHEARSALS = 10;

/**
 * Migrates a built-in guest of a few pages within this process, over loopback, by pre-copy and by post-copy.
 *
 * JavaScript is compiled when it first runs, and without this much of the switchover first runs while a guest
 * is paused: a process's first switchover takes about twice as long (docs/decisions/0014). Call it in the
 * source and in the destination, while nobody waits; it takes 0.1 to 0.3 s. It never rejects: what cannot
 * be rehearsed here, the migration itself will report.
 */
export async function rehearse(): Promise<void> {
  try {
    const destination = await Destination.listen({
      host: HOST,
      createGuest: WorkloadGuest.arrive,
    });
    destination.on('arrived', (guest) => guest.discard?.());
    try {
      for (let i = 0; i < REHEARSALS; i += 1) {
        for (const strategy of STRATEGIES) await migrateOnce(destination.port, strategy);
      }
    } finally {
      await destination.close();
    }
  } catch {
    // See above.
  }
}

async function migrateOnce(port: number, strategy: (typeof STRATEGIES)[number]): Promise<void> {
  const guest = await WorkloadGuest.create(GUEST);
  try {
    await guest.resume(); // One that is paused would be spared what is to be rehearsed.
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
