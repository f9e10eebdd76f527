import { describe, expect, it } from 'vitest';
import { SOURCE_PHASES, type SourcePhase } from '../../src/metrics/events.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Relay } from '../support/relay.js';

const beforeCommit = SOURCE_PHASES.slice(0, SOURCE_PHASES.indexOf('push-residual-set'));
const afterCommit: readonly SourcePhase[] = ['push-residual-set', 'finish', 'verify'];

/** The destination is told why, or sees a page channel close before it reads that. */
async function expectCalledOff(receiving: Receiving): Promise<void> {
  expect(['CANCELLED', 'PEER_GONE']).toContain((await receiving.nextDropped()).code);
}

describe.concurrent.each(STRATEGY_NAMES)('a migration by %s that is cancelled', (strategy) => {
  it.each(beforeCommit)('at %s leaves the guest running on the source', async (cancelled) => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const source = sourceFor(guest, receiving.port, { strategy });
    const phases: SourcePhase[] = [];
    let taken: boolean | undefined;
    source.on('phase', (phase) => {
      phases.push(phase);
      if (phase === cancelled) taken = source.cancel('enough');
    });
    const error = await failureOf(source.migrate());
    expect(taken).toBe(true);
    expect(error).toMatchObject({
      code: 'CANCELLED',
      message: 'enough',
      report: { outcome: 'cancelled', guestLocation: 'source', downtimeMs: null },
    });
    // It ends in the phase in which it was cancelled.
    expect(phases.at(-1)).toBe(cancelled);
    await expectUnharmed(guest);
    expect(receiving.arrived).toEqual([]);
  });

  it('when the destination is ready leaves the guest running on the source', async () => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const source = sourceFor(guest, relay.port, { strategy });
    let taken: boolean | undefined;
    relay.onMessage = (type) => {
      if (type === 'ready') taken = source.cancel();
      return 'pass';
    };
    const error = await failureOf(source.migrate());
    expect(taken).toBe(true);
    expect(error.code).toBe('CANCELLED');
    await expectUnharmed(guest);
    await expectCalledOff(receiving);
  });

  it('after the commit point goes on', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const source = sourceFor(guest, receiving.port, { strategy });
    const taken: boolean[] = [];
    source.on('phase', (phase) => {
      if (afterCommit.includes(phase)) taken.push(source.cancel());
    });
    expect(await source.migrate()).toMatchObject({ outcome: 'completed', guestVerified: true });
    expect(taken.length).toBeGreaterThanOrEqual(2);
    expect(taken).not.toContain(true);
    await expectStill(guest);
    await expectUnharmed(await receiving.nextArrived());
  });
});

describe.concurrent('a migration', () => {
  it.each(['pre-copy', 'stop-and-copy'] as const)(
    'by %s that is cancelled in the middle of a slow round ends at once',
    async (strategy) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ writesPerSecond: 100 });
      const source = sourceFor(guest, receiving.port, {
        strategy,
        bandwidthBytesPerSecond: 256 << 10,
      });
      source.on('progress', ({ pagesSent }) => {
        if (pagesSent > 0) source.cancel();
      });
      const { code, report } = await failureOf(source.migrate());
      expect(code).toBe('CANCELLED');
      // At this rate the round alone takes a minute.
      expect(report.totalMs).toBeLessThan(30_000);
      expect(report.pagesSent).toBeLessThan(4096);
      await expectUnharmed(guest);
      await expectCalledOff(receiving);
    },
  );

  it('can be cancelled before it starts, and then never does', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest();
    const source = sourceFor(guest, receiving.port);
    expect(source.cancel()).toBe(true);
    expect((await failureOf(source.migrate())).report).toMatchObject({
      outcome: 'cancelled',
      guestLocation: 'source',
    });
    expect(receiving.dropped).toEqual([]);
    await expectUnharmed(guest);
  });

  it('can be cancelled twice', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest();
    const source = sourceFor(guest, receiving.port, { strategy: 'pre-copy' });
    source.on('phase', (phase) => {
      if (phase !== 'copy-rounds') return;
      source.cancel('first');
      source.cancel('second');
    });
    expect(await failureOf(source.migrate())).toMatchObject({
      code: 'CANCELLED',
      message: 'first',
    });
    await expectUnharmed(guest);
  });

  it('can be made only once by one Source', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: MIB });
    const source = sourceFor(guest, receiving.port);
    await source.migrate();
    await expect(source.migrate()).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('goes with the destination when that shuts down, and the guest stays on the source', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ writesPerSecond: 100 });
    const source = sourceFor(guest, receiving.port, {
      strategy: 'pre-copy',
      bandwidthBytesPerSecond: MIB,
    });
    source.on('progress', ({ pagesSent }) => {
      if (pagesSent > 0) void receiving.destination.close();
    });
    const error = await failureOf(source.migrate());
    expect(error).toMatchObject({ code: 'PEER_GONE', report: { guestLocation: 'source' } });
    await expectUnharmed(guest);
  });
});

describe('a destination', () => {
  it('takes the next guest after migrations that were cancelled at every phase', async () => {
    const receiving = await Receiving.start();
    const cancellations = STRATEGY_NAMES.flatMap((strategy) =>
      beforeCommit.map(async (cancelled) => {
        const guest = await startGuest({ memoryBytes: MIB, writesPerSecond: 1000 });
        const source = sourceFor(guest, receiving.port, { strategy });
        source.on('phase', (phase) => {
          if (phase === cancelled) source.cancel();
        });
        return (await failureOf(source.migrate())).code;
      }),
    );
    expect(new Set(await Promise.all(cancellations))).toEqual(new Set(['CANCELLED']));
    for (const strategy of STRATEGY_NAMES) await receiving.expectServesNext(strategy);
    expect(receiving.arrived).toEqual([]);
  });
});
