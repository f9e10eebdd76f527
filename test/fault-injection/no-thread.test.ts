/** A host that has no thread left: one migration fails with that reason, or goes on with the threads it has. */
import { describe, expect, it } from 'vitest';
import { withinGroup } from '../support/cgroups.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Host } from '../support/hosts.js';
import { leaveNoThread, lift, makeThreadLimit } from '../support/thread-limit.js';

/** Two channels, and more pages than one thread sends alone. */
const GUEST = {
  workload: 'uniform',
  writesPerSecond: 20_000,
  memoryBytes: 16 * MIB,
  fill: { kind: 'random' },
} as const;
const CHANNELS = 2;

describe('a destination that has no thread left', () => {
  it('fails the migration that needs one, with the reason on both sides, and serves the next', async (context) => {
    const limit = makeThreadLimit();
    if (limit.kind === 'impossible') return context.skip(limit.reason);
    const host = await Host.start(withinGroup(limit.directory));
    const port = await host.listenForAnything();
    const guest = await startGuest(GUEST);
    leaveNoThread(limit);
    const failure = await failureOf(
      sourceFor(guest, port, { verify: false, channels: CHANNELS }).migrate(),
    );
    expect(failure).toMatchObject({
      code: 'SYSTEM',
      message: expect.stringMatching(/page channel \d: this host has no thread left/),
      report: { guestLocation: 'source' },
    });
    expect(await host.event('dropped')).toMatchObject({ code: 'SYSTEM' });
    await expectUnharmed(guest);
    lift(limit);
    const report = await sourceFor(guest, port, { verify: false, channels: CHANNELS }).migrate();
    expect(report.guestLocation).toBe('destination');
    await host.event('arrived');
  });
});

describe('a source that has no thread left', () => {
  for (const from of ['final-round', 'commit-switchover', 'push-residual-set'] as const) {
    it(`from ${from} on completes a post-copy with the threads it has`, async (context) => {
      const limit = makeThreadLimit();
      if (limit.kind === 'impossible') return context.skip(limit.reason);
      const receiving = await Receiving.start();
      const host = await Host.start(withinGroup(limit.directory));
      const guest = await host.createGuest(GUEST);
      const { code, message, report } = await host.migrate(
        guest,
        { host: '127.0.0.1', port: receiving.port, strategy: 'post-copy', channels: CHANNELS },
        { phase: from, limit: limit.file },
      );
      expect({ code, message }).toEqual({ code: undefined, message: undefined });
      expect(report).toMatchObject({ outcome: 'completed', guestLocation: 'destination' });
      await expectUnharmed(await receiving.nextArrived());
    });
  }

  it('from the start fails with the reason, and its guest is unharmed', async (context) => {
    const limit = makeThreadLimit();
    if (limit.kind === 'impossible') return context.skip(limit.reason);
    const receiving = await Receiving.start();
    const host = await Host.start(withinGroup(limit.directory));
    const guest = await host.createGuest(GUEST);
    leaveNoThread(limit);
    const { code, message, report } = await host.migrate(guest, {
      host: '127.0.0.1',
      port: receiving.port,
      strategy: 'post-copy',
      channels: 64,
    });
    expect({ code, message }).toMatchObject({
      code: 'SYSTEM',
      message: expect.stringContaining('this host has no thread left'),
    });
    expect(report.guestLocation).toBe('source');
    lift(limit);
    expect(await host.verify(guest)).toMatchObject({ pagesDifferent: 0 });
    await receiving.expectServesNext();
  });
});

describe('the page channels of a destination', () => {
  it('are counted over all its migrations: who asks for more than are left is told so', async () => {
    const receiving = await Receiving.start({ maxPageChannels: 5 });
    const slow = await startGuest(GUEST);
    const first = sourceFor(slow, receiving.port, {
      strategy: 'pre-copy',
      verify: false,
      channels: 4,
      bandwidthBytesPerSecond: MIB,
    });
    const copying = new Promise<void>((resolve) => {
      first.on('phase', (phase) => phase === 'copy-rounds' && resolve());
    });
    const cancelled = failureOf(first.migrate());
    await copying;
    const guest = await startGuest(GUEST);
    const options = { strategy: 'stop-and-copy', channels: CHANNELS } as const;
    expect(await failureOf(sourceFor(guest, receiving.port, options).migrate())).toMatchObject({
      code: 'BUSY',
      message: expect.stringMatching(/asks for 2 page channels, .* has 1 of 5 left/),
      report: { guestLocation: 'source' },
    });
    await expectUnharmed(guest);
    first.cancel();
    await cancelled;
    await receiving.nextDropped();
    await receiving.nextDropped();
    const report = await sourceFor(guest, receiving.port, options).migrate();
    expect(report.guestVerified).toBe(true);
  });

  it('of one migration may be no more than it has', async () => {
    const receiving = await Receiving.start({ maxPageChannels: 1 });
    const guest = await startGuest(GUEST);
    expect(
      await failureOf(sourceFor(guest, receiving.port, { channels: CHANNELS }).migrate()),
    ).toMatchObject({ code: 'BUSY' });
    const report = await sourceFor(guest, receiving.port, { channels: 1 }).migrate();
    expect(report.guestVerified).toBe(true);
  });
});
