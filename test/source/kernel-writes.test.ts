/** Where only the mprotect dirty tracker works, and guests whose memory the kernel writes. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { binding } from '../../src/native/binding.js';
import type { Probe } from '../../src/native/constants.js';
import { Source } from '../../src/source/source.js';
import { migrate, Receiving } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';

async function guestThatSays(kernelTouches: boolean | undefined): Promise<Guest> {
  const guest = await startGuest({ memoryBytes: MIB, writesPerSecond: 1000 });
  return Object.defineProperty(guest, 'kernelTouches', { value: kernelTouches });
}

/** As on a machine where this user may not have a userfaultfd. */
function withoutTrackersOfUserfaultfd(probe: Probe): Probe {
  const capabilities = probe.capabilities.map((capability) =>
    capability.name.startsWith('uffd')
      ? { ...capability, available: false, reason: 'this user may not', remedy: 'run as root' }
      : capability,
  );
  return { ...probe, capabilities, tracker: 'mprotect' };
}

const probe = vi.spyOn(binding, 'probe');
beforeAll(() => {
  probe.mockReturnValue(withoutTrackersOfUserfaultfd(binding.probe('shared')));
  probe.mockClear();
});
afterAll(() => probe.mockRestore());

const target = { host: '127.0.0.1', port: 1 };

describe('a guest whose memory the kernel writes', () => {
  it.each(['pre-copy', 'hybrid'] as const)(
    'is refused mprotect before anything starts, fallen back to or asked for (%s)',
    async (strategy) => {
      const guest = await guestThatSays(true);
      for (const wish of [{}, { tracker: 'mprotect' }] as const) {
        expect(() => new Source(guest, { ...target, strategy, ...wish })).toThrow(
          expect.objectContaining({
            code: 'UNSUPPORTED',
            message: expect.stringMatching(/kernel touches.*EFAULT.*stop-and-copy/),
          }),
        );
      }
    },
  );

  it.each(['stop-and-copy', 'post-copy'] as const)(
    'may be migrated by %s, which tracks nothing',
    async (strategy) => {
      const receiving = await Receiving.start();
      const report = await migrate(await guestThatSays(true), receiving.port, { strategy });
      expect(report).toMatchObject({ outcome: 'completed', tracker: null, guestVerified: true });
    },
  );
});

describe('another guest', () => {
  it('is tracked with mprotect after a warning', async () => {
    const receiving = await Receiving.start();
    const guest = await guestThatSays(undefined);
    const warned = once(process, 'warning');
    const report = await migrate(guest, receiving.port, { strategy: 'pre-copy' });
    expect(report).toMatchObject({ tracker: 'mprotect', guestVerified: true });
    const [warning] = await warned;
    expect(warning).toMatchObject({ code: 'PAGEFERRY_MPROTECT' });
    expect(warning.message).toMatch(/this user may not; run as root.*EFAULT/);
  });
});

it('the kernel is asked once, however many migrations there are', async () => {
  const receiving = await Receiving.start();
  for (let i = 0; i < 2; i += 1) {
    await migrate(await startGuest({ memoryBytes: MIB }), receiving.port);
  }
  expect(probe).toHaveBeenCalledTimes(1);
});
