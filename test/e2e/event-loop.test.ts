import { describe, expect, it } from 'vitest';
import { MIB } from '../support/guests.js';
import { Host } from '../support/hosts.js';

const BLOCKED_MS = 1000;

describe.concurrent('in post-copy, while the event loop of the destination is blocked for a second', () => {
  it('the demand faults of the guest are served all the same', async () => {
    const [here, there] = [await Host.start(), await Host.start()];
    const port = await there.listen();
    const guest = await here.createGuest({
      workload: 'uniform',
      memoryBytes: 48 * MIB,
      fill: { kind: 'random' },
      writesPerSecond: 2000,
    });
    const migration = here.migrate(guest, {
      host: '127.0.0.1',
      port,
      strategy: 'post-copy',
      // The push alone would take six seconds: what the guest gets sooner it got on demand.
      bandwidthBytesPerSecond: 8 * MIB,
      verify: true,
    });
    const { guest: arriving } = await there.event('created');
    await here.event('phase', ({ phase }) => phase === 'push-residual-set');
    const slices = await there.block(arriving as number, BLOCKED_MS);
    const { report, message } = await migration;

    const progress = slices.slice(1).map((operations, at) => operations - (slices[at] as number));
    expect(progress.filter((operations) => operations > 0).length).toBeGreaterThanOrEqual(5);
    expect((slices.at(-1) as number) - (slices[0] as number)).toBeGreaterThan(100);
    expect(message).toBeUndefined();
    expect(report.guestVerified).toBe(true);
    expect(report.demandFaultsOverNetwork).toBeGreaterThan(100);
    expect(report.totalMs).toBeGreaterThan(BLOCKED_MS);
  });

  it('the pages of the source are served all the same while its own loop is blocked', async () => {
    const [here, there] = [await Host.start(), await Host.start()];
    const port = await there.listen();
    const guest = await here.createGuest({
      workload: 'uniform',
      memoryBytes: 48 * MIB,
      fill: { kind: 'random' },
      writesPerSecond: 2000,
    });
    const migration = here.migrate(guest, {
      host: '127.0.0.1',
      port,
      strategy: 'post-copy',
      bandwidthBytesPerSecond: 8 * MIB,
      verify: true,
    });
    const { guest: arriving } = await there.event('created');
    await here.event('phase', ({ phase }) => phase === 'push-residual-set');
    const blocked = here.block(guest, BLOCKED_MS);
    const before = await there.operations(arriving as number);
    await blocked;
    const after = await there.operations(arriving as number);
    const { report } = await migration;
    expect(after - before).toBeGreaterThan(100);
    expect(report.guestVerified).toBe(true);
  });
});
