/**
 * While the guest is paused nobody runs it. Whatever hangs or fails then, it is resumed within the switchover timeout,
 * and first of all. The stall timeout here is longer than any of these tests may take.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { binding } from '../../src/native/binding.js';
import { CLEANUP_FAILED } from '../../src/source/giving-up.js';
import { SourceMigration } from '../../src/source/migration.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { HeldGuest, heldGuest, never } from '../support/held-guest.js';
import { Relay } from '../support/relay.js';

const STRATEGIES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;
const PATIENT = { stallMs: 600_000, verify: false } as const;
const HASTY = { ...PATIENT, switchoverMs: 300 } as const;

async function receivingHeldGuests(): Promise<Receiving> {
  return await Receiving.start({
    stallMs: 600_000,
    createGuest: async (memory) => new HeldGuest(memory),
  });
}

describe.each(STRATEGIES)('a guest (%s)', (strategy) => {
  it.each(['pause', 'saveState'] as const)(
    'whose %s never settles is resumed when its time is up',
    async (call) => {
      const receiving = await receivingHeldGuests();
      const guest = heldGuest({ [call]: never });
      const error = await failureOf(migrate(guest, receiving.port, { ...HASTY, strategy }));
      expect(error).toMatchObject({
        code: 'GUEST_FAILED',
        report: { outcome: 'failed', guestLocation: 'source', downtimeMs: null },
      });
      expect(error.message).toContain('0.3 s');
      expect(guest.isRunning).toBe(true);
      expect(await receiving.nextDropped()).toMatchObject({ code: 'PEER_GONE' });
      delete guest.before[call];
      expect(await migrate(guest, receiving.port, { ...PATIENT, strategy })).toMatchObject({
        outcome: 'completed',
      });
    },
  );

  it.each(['pause', 'saveState'] as const)(
    'whose %s never settles is resumed at once when the migration is cancelled',
    async (call) => {
      const receiving = await receivingHeldGuests();
      const guest = heldGuest({
        [call]: () => {
          setImmediate(() => source.cancel('enough'));
          return never();
        },
      });
      // Without the cancel this would take longer than the test may.
      const source = sourceFor(guest, receiving.port, {
        ...PATIENT,
        strategy,
        switchoverMs: 600_000,
      });
      expect(await failureOf(source.migrate())).toMatchObject({
        code: 'CANCELLED',
        report: { outcome: 'cancelled', guestLocation: 'source' },
      });
      expect(guest.isRunning).toBe(true);
    },
  );

  it('is resumed when ready does not come, from a peer that is alive', async () => {
    const receiving = await Receiving.start({ stallMs: 600_000 });
    const relay = await Relay.start(receiving.port);
    relay.onMessage = (type) => (type === 'ready' ? 'swallow' : 'pass');
    const guest = await startGuest({ memoryBytes: 2 * MIB });
    const error = await failureOf(migrate(guest, relay.port, { ...HASTY, strategy }));
    expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
    expect(error.message).toContain('has not said ready for 0.3 s');
    await expectUnharmed(guest);
  });

  it('arrives although its resume there takes longer than the switchover timeout', async () => {
    const resume = () => sleep(2 * HASTY.switchoverMs);
    const receiving = await Receiving.start({
      createGuest: async (memory) => new HeldGuest(memory, { resume }),
    });
    expect(await migrate(heldGuest(), receiving.port, { ...HASTY, strategy })).toMatchObject({
      outcome: 'completed',
      guestLocation: 'destination',
    });
  });

  it('stays paused when running does not come, and that is told when its resume is overdue', async () => {
    const receiving = await Receiving.start({ stallMs: 600_000, guestCallMs: 200 });
    const relay = await Relay.start(receiving.port);
    relay.onMessage = (type, from) =>
      from === 'destination' &&
      type !== 'opened' &&
      type !== 'clocked' &&
      type !== 'rounded' &&
      type !== 'ready'
        ? 'swallow'
        : 'pass';
    const guest = await startGuest({ memoryBytes: 2 * MIB });
    const error = await failureOf(migrate(guest, relay.port, { ...HASTY, strategy }));
    expect(error).toMatchObject({
      code: 'SWITCHOVER_UNCONFIRMED',
      report: { guestLocation: 'unknown' },
    });
    expect(error.message).toContain('has not said running for 0.5 s');
    await expectStill(guest);
    relay.cut();
  });
});

describe('a guest', () => {
  it.each(['stop-and-copy', 'post-copy'] as const)(
    '(%s) runs again before anybody waits for the last words of a destination that hung up',
    async (strategy) => {
      const receiving = await receivingHeldGuests();
      const relay = await Relay.start(receiving.port);
      const guest = heldGuest({
        saveState: () => {
          relay.cut('control');
          return never();
        },
      });
      const order: string[] = [];
      const words = vi.spyOn(SourceMigration.prototype, 'take').mockImplementation(async () => {
        order.push('last words', guest.isRunning ? 'of a guest that runs' : 'of a paused guest');
        throw new Error('it says nothing');
      });
      atEnd(() => words.mockRestore());
      const error = await failureOf(migrate(guest, relay.port, { ...PATIENT, strategy }));
      expect(error).toMatchObject({ code: 'PEER_GONE', report: { guestLocation: 'source' } });
      expect(order).toEqual(['last words', 'of a guest that runs']);
      relay.cut();
    },
  );
});

describe('the final round', () => {
  it('is given up when the other side takes nothing of it', async () => {
    const receiving = await Receiving.start({ stallMs: 600_000 });
    const relay = await Relay.start(receiving.port);
    relay.onPageBytes = () => relay.freeze('page');
    const guest = await startGuest({ memoryBytes: 64 * MIB });
    const error = await failureOf(
      migrate(guest, relay.port, { ...HASTY, strategy: 'stop-and-copy' }),
    );
    expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
    expect(error.message).toContain('has taken nothing of the final round for 0.3 s');
    await expectUnharmed(guest);
    relay.cut();
  });

  it('may take much longer than the switchover timeout while its bytes go on leaving', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 4 * MIB });
    const report = await migrate(guest, receiving.port, {
      ...HASTY,
      strategy: 'stop-and-copy',
      bandwidthBytesPerSecond: 2 * MIB,
    });
    expect(report.outcome).toBe('completed');
    expect(report.downtimeMs).toBeGreaterThan(2 * HASTY.switchoverMs);
  });

  it('may take much longer on a link that is slow all by itself', async () => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    relay.throttle('page', 64 << 10, 10);
    // At 12.5 MiB a second over both channels.
    const guest = await startGuest({ memoryBytes: 32 * MIB });
    // The relay is this process, which others may keep waiting for a while.
    const wanted = { ...HASTY, switchoverMs: 1000 };
    const report = await migrate(guest, relay.port, { ...wanted, strategy: 'stop-and-copy' });
    expect(report.outcome).toBe('completed');
    expect(report.downtimeMs).toBeGreaterThan(2 * wanted.switchoverMs);
  });
});

describe('what fails in cleaning up', () => {
  it('changes nothing, and becomes a warning', async () => {
    const { createDirtyTracker } = binding;
    const trackers = vi.spyOn(binding, 'createDirtyTracker').mockImplementation((...args) => {
      const tracker = createDirtyTracker(...args);
      const value = async () => {
        throw new Error('no thread is left');
      };
      return Object.defineProperty(tracker, 'disarm', { value });
    });
    atEnd(() => trackers.mockRestore());
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 2 * MIB });
    const source = sourceFor(guest, receiving.port, { strategy: 'pre-copy' });
    source.on('phase', (phase) => {
      if (phase === 'final-round') source.cancel('enough');
    });
    const warned = once(process, 'warning');
    expect(await failureOf(source.migrate())).toMatchObject({
      code: 'CANCELLED',
      report: { outcome: 'cancelled', guestLocation: 'source' },
    });
    const [warning] = await warned;
    expect(warning).toMatchObject({ code: CLEANUP_FAILED });
    expect(warning.message).toContain('no thread is left');
    await expectUnharmed(guest);
  });
});

describe('a cancel', () => {
  it('ends the time in which the guest is watched', async () => {
    const guest = await startGuest({ memoryBytes: MIB, writesPerSecond: 100 });
    const source = sourceFor(guest, 1, { observeMs: 600_000 });
    setImmediate(() => source.cancel('enough'));
    expect(await failureOf(source.migrate())).toMatchObject({
      code: 'CANCELLED',
      report: { totalMs: 0, guestLocation: 'source' },
    });
    await expectUnharmed(guest);
  });

  it('ends the wait for a connection that nobody answers', async () => {
    const guest = await startGuest({ memoryBytes: MIB, writesPerSecond: 100 });
    // Reserved for documentation: nothing answers from there (RFC 5737).
    const source = sourceFor(guest, 7777, {
      host: '192.0.2.1',
      insecure: true,
      connectMs: 3_600_000,
    });
    source.on('phase', () => setImmediate(() => source.cancel('enough')));
    expect((await failureOf(source.migrate())).code).toMatch(/CANCELLED|UNREACHABLE/);
    await expectUnharmed(guest);
  });
});

describe('a built-in guest', () => {
  it('that is resumed while its pause is pending runs in the end', async () => {
    const guest = await WorkloadGuest.create({ workload: 'uniform', memoryBytes: MIB });
    atEnd(() => guest.discard());
    await guest.resume();
    for (let i = 0; i < 50; i += 1) {
      const pausing = guest.pause();
      await Promise.all([pausing, guest.resume()]);
      expect(guest.isRunning).toBe(true);
    }
    await expectUnharmed(guest);
  });
});
