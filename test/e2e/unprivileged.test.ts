/** A destination whose user may have only the faults of user mode served. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failureOf, migrate } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';
import { heldGuest } from '../support/held-guest.js';
import { Host } from '../support/hosts.js';

/** Why nobody is without privileges here; undefined when everybody but root is. */
function whyNotHere(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can become somebody else';
  const everybody = readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8').trim() === '1';
  const device = statSync('/dev/userfaultfd', { throwIfNoEntry: false })?.mode ?? 0;
  return everybody || (device & 0o6) === 0o6 ? 'every user may serve every fault here' : undefined;
}

const skipped = whyNotHere();

describe.skipIf(skipped !== undefined)(`without privileges (${skipped ?? 'as here'})`, () => {
  async function nobody(): Promise<Host> {
    const host = await Host.start();
    await host.becomeNobody();
    return host;
  }

  it.each(['post-copy', 'hybrid'] as const)(
    'a guest whose memory no system call touches arrives by %s, every page as it must be',
    async (strategy) => {
      const there = await nobody();
      const guest = await startGuest({ memoryBytes: 8 * MIB });
      const report = await migrate(guest, await there.listen(), { strategy });
      expect(report).toMatchObject({ outcome: 'completed', guestVerified: true });
    },
  );

  it('another is refused before it is paused, and told how it could come', async () => {
    const there = await nobody();
    const guest = heldGuest();
    const error = await failureOf(
      migrate(guest, await there.listenForAnything(), { strategy: 'post-copy', verify: false }),
    );
    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('kernelTouches: false'),
      report: { guestLocation: 'source' },
    });
    expect(guest.calls).toEqual([]);
  });

  it('every guest arrives by pre-copy', async () => {
    const there = await nobody();
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const report = await migrate(guest, await there.listen(), { strategy: 'pre-copy' });
    expect(report).toMatchObject({ outcome: 'completed', guestVerified: true });
  });
});
