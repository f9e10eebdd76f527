/** A destination with few descriptors: it says so, on both sides, and goes on. */
import { describe, expect, it, vi } from 'vitest';
import { binding } from '../../src/native/binding.js';
import type { GuestMemory } from '../../src/native/memory.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { guestsWith } from '../support/guest-with.js';
import { startGuest } from '../support/guests.js';
import { Host } from '../support/hosts.js';
import { openMessage, RawClient } from '../support/raw-client.js';

/** A process that may open so many files. */
async function hostWith(descriptors: number): Promise<Host> {
  return await Host.start(['sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`]);
}

async function expectServes(port: number): Promise<void> {
  const guest = await startGuest({ memoryBytes: 1 << 20, workload: 'idle' });
  expect(await migrate(guest, port)).toMatchObject({ guestVerified: true });
}

const regions = (count: number) =>
  Array.from({ length: count }, () => ({ bytes: 4096, pageBytes: 4096 }));

describe('a destination that may open few files', () => {
  it('refuses a guest of too many regions with the reason, and takes another', async () => {
    const there = await hostWith(400);
    const port = await there.listen();
    const client = await RawClient.control(port);
    client.send(
      openMessage(0, { spaces: regions(1000).map((region) => ({ kind: 'ram', ...region })) }),
    );
    const failed = await client.message('failed');
    expect(failed).toMatchObject({ code: 'SYSTEM', neverRan: true });
    expect(failed['message']).toMatch(/1000 regions takes \d+ file descriptors.*ulimit -n/);
    await expectServes(port);
  });

  it('says that sources wait when none is left, once, and takes them afterwards', async () => {
    const there = await hostWith(120);
    const port = await there.listen();
    const clients = await Promise.all(Array.from({ length: 150 }, () => RawClient.connect(port)));
    const { message } = await there.event('warning');
    expect(message).toMatch(/accept: Too many open files.*ulimit -n/);
    for (const { socket } of clients) socket.destroy();
    await expectServes(port);
    expect(there.events.filter(({ event }) => event === 'warning')).toHaveLength(1);
  });
});

describe('a source that may open few files', () => {
  it('says so when it cannot connect', async () => {
    const there = await Host.start();
    const port = await there.listen();
    const here = await hostWith(60);
    const guest = await here.createGuest({ workload: 'idle', memoryBytes: 1 << 20 });
    const options = { host: '127.0.0.1', port, strategy: 'stop-and-copy', channels: 64 } as const;
    const { code, message, report } = await here.migrate(guest, options);
    expect({ code, message }).toMatchObject({
      code: 'SYSTEM',
      message: expect.stringMatching(/file descriptor.*ulimit -n/),
    });
    expect(report.guestLocation).toBe('source');
  });
});

describe('a guest of more regions than any migration takes', () => {
  it('is refused before anything is connected', async () => {
    const memory = { regions: regions(5000), pageCount: 5000, bytes: 5000 * 4096 };
    const many = await guestsWith().createGuest(memory as unknown as GuestMemory, new Uint8Array());
    const error = await failureOf(sourceFor(many, 1).migrate());
    expect(error).toMatchObject({ code: 'USAGE', report: { guestLocation: 'source' } });
    expect(error.message).toContain('5000 regions');
  });
});

describe('a destination whose system refuses', () => {
  async function refusing(method: 'createGuestMemory' | 'createPageReceiver', error: Error) {
    const { createGuest, calls } = guestsWith();
    const receiving = await Receiving.start({ createGuest });
    const refuse = vi.spyOn(binding, method).mockImplementationOnce(() => {
      throw error;
    });
    atEnd(() => refuse.mockRestore());
    const client = await RawClient.control(receiving.port);
    client.send(openMessage());
    const failed = await client.message('failed');
    expect(await receiving.nextDropped()).toMatchObject({
      code: failed['code'],
      message: failed['message'],
    });
    await RawClient.opened(receiving.port);
    return { failed, calls };
  }

  it.each([
    ['ENOMEM', 'NO_MEMORY', 'DESTINATION_NO_MEMORY'],
    ['EMFILE', 'SYSTEM', 'SYSTEM'],
    ['EPERM', 'NO_PERMISSION', 'NO_PERMISSION'],
  ])('memory with %s names that on both sides', async (errno, code, told) => {
    const error = Object.assign(new Error(`memfd_create: ${errno}`), { code, errno });
    const { failed } = await refusing('createGuestMemory', error);
    expect(failed).toMatchObject({
      code: told,
      message: `cannot make the guest's memory: memfd_create: ${errno}`,
      neverRan: true,
    });
  });

  it('a thread drops that migration and its guest, and takes the next', async () => {
    const error = Object.assign(new Error('no thread is left'), { code: 'SYSTEM' });
    const { failed, calls } = await refusing('createPageReceiver', error);
    expect(failed).toMatchObject({ code: 'SYSTEM', neverRan: true });
    expect(calls).toEqual(['discard']);
  });

  it('a thread for a page channel drops that migration, and takes the next', async () => {
    const { createGuest, calls } = guestsWith();
    const receiving = await Receiving.start({ createGuest });
    const { createPageReceiver } = binding;
    const spy = vi.spyOn(binding, 'createPageReceiver').mockImplementationOnce((...args) => {
      const value = () => {
        throw Object.assign(new Error('no thread is left'), { code: 'SYSTEM' });
      };
      return Object.defineProperty(createPageReceiver(...args), 'addChannel', { value });
    });
    atEnd(() => spy.mockRestore());
    const client = await RawClient.opened(receiving.port);
    await client.channel('page', 0);
    expect(await client.message('failed')).toMatchObject({
      code: 'SYSTEM',
      message: 'cannot take page channel 0: no thread is left',
      neverRan: true,
    });
    await receiving.nextDropped();
    expect(calls).toEqual(['discard']);
    await RawClient.opened(receiving.port);
  });
});
