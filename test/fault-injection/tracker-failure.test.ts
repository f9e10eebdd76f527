/** A dirty tracker that fails while nobody calls it: the migration ends at once, unless nobody needs it any more. */
import { describe, expect, it, vi } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';

/** Makes the tracker of the next migration fail when the answer is called. */
function trackerThatFails(): () => void {
  const failing: { fail: (error: Error) => void } = { fail: () => {} };
  const { createDirtyTracker } = binding;
  const spy = vi
    .spyOn(binding, 'createDirtyTracker')
    .mockImplementation((memory, kind, onFailure) => {
      failing.fail = onFailure;
      return createDirtyTracker(memory, kind, onFailure);
    });
  atEnd(() => spy.mockRestore());
  return () => failing.fail(Object.assign(new Error('it cannot go on'), { code: 'SYSTEM' }));
}

describe.sequential('a dirty tracker that fails by itself', () => {
  it('ends a slow round at once, with its reason, and the guest runs on', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 16 * MIB });
    const fail = trackerThatFails();
    // A round takes hours.
    const source = sourceFor(guest, receiving.port, {
      strategy: 'pre-copy',
      bandwidthBytesPerSecond: 1000,
    });
    source.on('progress', ({ pagesSent }) => pagesSent > 0 && fail());
    expect(await failureOf(source.migrate())).toMatchObject({
      code: 'SYSTEM',
      message: expect.stringContaining('it cannot go on'),
      report: { guestLocation: 'source' },
    });
    await expectUnharmed(guest);
    expect(await receiving.nextDropped()).toBeDefined();
  });

  it('is nothing to a guest that was given up', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 16 * MIB });
    const fail = trackerThatFails();
    const source = sourceFor(guest, receiving.port, { strategy: 'post-copy' });
    source.on('phase', (phase) => phase === 'push-residual-set' && fail());
    const report = await source.migrate();
    expect(report.guestVerified).toBe(true);
  });
});
