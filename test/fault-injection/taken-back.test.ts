/** The one way back over the commit point: the destination says that the guest never ran there and never will. */
import { describe, expect, it } from 'vitest';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { failing, HeldGuest, heldGuest } from '../support/held-guest.js';
import { type Script, ScriptedDestination } from '../support/scripted-destination.js';
import { until } from '../support/until.js';

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

describe('a source that gives up', () => {
  const RUNNING = { type: 'running', resumedAtNs: 1n, loadStateMs: 0, resumeMs: 0 } as const;
  const OUT_OF_PLACE = { type: 'ready' } as const;

  /** What the destination has heard, but for the signs of life. */
  async function heardBy(script: Script, strategy: (typeof STRATEGIES)[number]) {
    const destination = await ScriptedDestination.start(script);
    const guest = await startGuest({ memoryBytes: MIB });
    const error = await failureOf(migrate(guest, destination.port, { strategy }));
    await until('the source has closed its connections', () => destination.isAlone);
    const types = destination.heard.map(({ type }) => type);
    return { error, types: types.filter((type) => type !== 'alive' && type !== 'clock') };
  }

  it('tells the destination before the commit point', async () => {
    const { error, types } = await heardBy({ switchover: [RUNNING] }, 'stop-and-copy');
    expect(error.code).toBe('PROTOCOL');
    expect(types).toEqual(['open', 'switchover', 'failed']);
  });

  it.each([
    ['before the guest runs there', [OUT_OF_PLACE]],
    ['once the guest runs there', [RUNNING, OUT_OF_PLACE]],
  ] as const)('says nothing to the destination after it: %s', async (_when, resume) => {
    expect((await heardBy({ resume }, 'stop-and-copy')).types).toEqual([
      ...['open', 'switchover', 'resume'],
    ]);
    const { types } = await heardBy({ resume }, 'post-copy');
    expect(types.filter((type) => type !== 'pushed')).toEqual(['open', 'switchover', 'resume']);
  });
});
