import { describe, expect, it, onTestFinished } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { Receiving } from '../support/destinations.js';

async function listen(options: Partial<DestinationOptions>): Promise<Destination> {
  const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive, ...options });
  onTestFinished(() => destination.close());
  return destination;
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
    await expect(listen({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('says so when there is no such host', async () => {
    await expect(listen({ host: 'no-such-host.invalid' })).rejects.toMatchObject({
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

  it('listens on IPv6', async () => {
    const destination = await listen({ host: '::1' }).catch(() => undefined);
    if (destination !== undefined) expect(destination.port).toBeGreaterThan(0);
  });
});
