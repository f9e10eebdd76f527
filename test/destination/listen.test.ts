import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { atEnd } from '../support/at-end.js';
import { migrate, Receiving } from '../support/destinations.js';
import { startGuest } from '../support/guests.js';

async function listen(options: Partial<DestinationOptions>): Promise<Destination> {
  const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive, ...options });
  atEnd(() => destination.close());
  return destination;
}

/** Resident shared memory of this process: the memory of its guests. */
function sharedMemoryBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^RssShmem:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

describe('a destination', () => {
  it('takes a free port when it is given none', async () => {
    const [one, another] = [await listen({}), await listen({})];
    expect(one.port).toBeGreaterThan(0);
    expect(another.port).toBeGreaterThan(0);
    expect(another.port).not.toBe(one.port);
  });

  it('says so when its port is taken', async () => {
    const { port } = await listen({});
    await expect(listen({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('says so when the address is not of this host', async () => {
    await expect(listen({ host: '192.0.2.1', insecure: true })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('says that a link-local address needs its interface', async () => {
    await expect(listen({ host: 'fe80::1', insecure: true })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('[fe80::1%eth0]:0'),
    });
  });

  it('says so when there is no such host', async () => {
    await expect(listen({ host: 'no-such-host.invalid', insecure: true })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  it('lets its port go when it is closed, and can be closed twice', async () => {
    const first = await listen({});
    const { port } = first;
    await first.close();
    await first.close();
    expect((await listen({ port })).port).toBe(port);
  });

  it('takes a guest into memory that is warm already', async () => {
    const receiving = await Receiving.start({ prefault: true });
    await receiving.expectServesNext('post-copy');
    await receiving.expectServesNext('stop-and-copy');
  });

  it('gives memory that was prepared to the first guest of that size, and makes it for the next', async () => {
    const bytes = 4 << 20;
    const receiving = await Receiving.start({ prepare: [[bytes]] });
    const populated: number[] = [];
    for (let i = 0; i < 2; i += 1) {
      const guest = await startGuest({
        memoryBytes: bytes,
        fill: { kind: 'zero' },
        workload: 'idle',
      });
      const report = await migrate(guest, receiving.port, { strategy: 'pre-copy' });
      expect(report.guestVerified).toBe(true);
      const arrived = await receiving.nextArrived();
      populated.push(await arrived.memory.populatedBytes());
      arrived.discard?.();
    }
    // A guest of zeros populates nothing itself.
    expect(populated).toEqual([bytes, 0]);
  });

  it('keeps prepared memory from guests of another size', async () => {
    const receiving = await Receiving.start({ prepare: [[8 << 20], [2 << 20, 2 << 20]] });
    await receiving.expectServesNext('post-copy');
  });

  it('lets prepared memory go when it cannot listen', async () => {
    const { port } = await listen({});
    const before = sharedMemoryBytes();
    await expect(listen({ port, prepare: [[64 << 20]] })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    expect(sharedMemoryBytes()).toBeLessThan(before + (32 << 20));
  });

  it('prepares no more memory than is free', async () => {
    await expect(listen({ prepare: [[2 ** 40], [2 ** 40]] })).rejects.toMatchObject({
      code: 'NO_MEMORY',
      message: expect.stringContaining('2 TiB'),
    });
  });

  it('listens on IPv6', async () => {
    const destination = await listen({ host: '::1' }).catch(() => undefined);
    if (destination !== undefined) expect(destination.port).toBeGreaterThan(0);
  });
});
