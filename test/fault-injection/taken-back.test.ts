/** The one way back over the commit point: the destination says that the guest never ran there and never will. */
import { describe, expect, it } from 'vitest';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { failing, HeldGuest, heldGuest } from '../support/held-guest.js';
import { ScriptedDestination } from '../support/scripted-destination.js';

const STRATEGIES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;

describe.each(STRATEGIES)('a guest that will not run on the destination (%s)', (strategy) => {
  it('runs on where it was, and can be migrated again', async () => {
    let arrivals = 0;
    const receiving = await Receiving.start({
      createGuest: async (memory) => {
        arrivals += 1;
        const before = arrivals === 1 ? { resume: failing('no such device') } : {};
        return new HeldGuest(memory, before);
      },
    });
    const guest = heldGuest();
    const error = await failureOf(migrate(guest, receiving.port, { strategy }));
    expect(error).toMatchObject({
      code: 'GUEST_FAILED',
      report: { outcome: 'failed', guestLocation: 'source', downtimeMs: null },
    });
    expect(error.message).toContain('no such device');
    expect(error.report.pagesSent).toBe(strategy === 'post-copy' ? 0 : 256);
    expect(guest.isRunning).toBe(true);
    expect(await receiving.nextDropped()).toMatchObject({ code: 'GUEST_FAILED' });
    expect(await migrate(guest, receiving.port, { strategy })).toMatchObject({
      outcome: 'completed',
    });
  });
});

describe('after the commit point', () => {
  const FAILED = { type: 'failed', code: 'GUEST_FAILED', message: 'it is no good' } as const;

  it.each(['stop-and-copy', 'post-copy'] as const)(
    'a built-in guest is taken back when the destination says that it never ran (%s)',
    async (strategy) => {
      const destination = await ScriptedDestination.start({
        resume: [{ ...FAILED, neverRan: true }],
      });
      const guest = await startGuest({ memoryBytes: MIB });
      const source = sourceFor(guest, destination.port, { strategy });
      expect(await failureOf(source.migrate())).toMatchObject({
        code: 'GUEST_FAILED',
        message: expect.stringContaining('it is no good'),
        report: { guestLocation: 'source' },
      });
      expect(source.cancel()).toBe(false);
      await expectUnharmed(guest);
    },
  );

  it('the guest stays paused when the destination does not say so', async () => {
    const destination = await ScriptedDestination.start({
      resume: [{ ...FAILED, neverRan: false }],
    });
    const guest = await startGuest({ memoryBytes: MIB });
    const error = await failureOf(migrate(guest, destination.port));
    expect(error).toMatchObject({
      code: 'SWITCHOVER_UNCONFIRMED',
      report: { guestLocation: 'unknown' },
    });
    await expectStill(guest);
  });

  it('the guest stays paused once the destination has said that it runs, whatever it says later', async () => {
    const destination = await ScriptedDestination.start({
      resume: [
        { type: 'running', resumedAtNs: process.hrtime.bigint(), loadStateMs: 0, resumeMs: 0 },
        { ...FAILED, neverRan: true },
      ],
    });
    const guest = await startGuest({ memoryBytes: MIB });
    const { report } = await failureOf(migrate(guest, destination.port));
    expect(['unknown', 'lost']).toContain(report.guestLocation);
    await expectStill(guest);
    await expect(migrate(guest, destination.port)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('a guest that cannot be resumed here either is said to be here, and paused', async () => {
    const destination = await ScriptedDestination.start({
      resume: [{ ...FAILED, neverRan: true }],
    });
    const guest = heldGuest({ resume: failing('nor here') });
    const error = await failureOf(migrate(guest, destination.port));
    expect(error).toMatchObject({ code: 'GUEST_FAILED', report: { guestLocation: 'source' } });
    expect(error.message).toMatch(/nor here.*it is no good.*still here, and paused/s);
    expect(guest.isRunning).toBe(false);
  });
});
