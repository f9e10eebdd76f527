/** Every state of a destination's migration ends, whatever its source and its guest do. */
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { Receiving } from '../support/destinations.js';
import { type Call, guestsWith, never } from '../support/guest-with.js';
import { beats, resumed, switchedOver, switchedOverMissing } from '../support/handmade-source.js';
import { openMessage, RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

/** Long enough for what a client does at once. */
const STALL_MS = 1000;
const SOON_MS = 100;

async function start(own: Partial<Guest> = {}, options: { guestCallMs?: number } = {}) {
  const { createGuest, calls } = guestsWith(own);
  const receiving = await Receiving.start({ createGuest, stallMs: STALL_MS, ...options });
  return { receiving, calls };
}

async function untilIdle({ destination }: Receiving): Promise<void> {
  await until('no migration is under way', () => destination.migrations === 0);
}

describe('a source that is alive and does nothing', () => {
  it('before open is dropped', async () => {
    const { receiving } = await start();
    const client = beats(await RawClient.control(receiving.port));
    expect(await client.message('failed')).toMatchObject({ code: 'PEER_SILENT', neverRan: true });
    expect((await receiving.nextDropped()).message).toContain('what it brings');
  });

  it('after opened is dropped, and its guest with it', async () => {
    const { receiving, calls } = await start();
    const client = beats(await RawClient.opened(receiving.port));
    expect(await client.message('failed')).toMatchObject({ code: 'PEER_SILENT', neverRan: true });
    await receiving.nextDropped();
    expect(calls).toEqual(['discard']);
  });

  it('after ready is dropped: the guest never runs, and the source is told so', async () => {
    const { receiving, calls } = await start();
    const client = beats(await switchedOver(receiving.port));
    await client.message('ready');
    expect(await client.message('failed')).toMatchObject({ code: 'PEER_SILENT', neverRan: true });
    await receiving.nextDropped();
    expect(calls).toEqual(['loadState', 'discard']);
  });

  it('while pages are missing loses the guest', async () => {
    const { receiving, calls } = await start();
    const client = beats(await resumed(switchedOverMissing(receiving.port)));
    await client.message('running');
    expect(await client.message('failed')).toMatchObject({ code: 'PEER_SILENT', neverRan: false });
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    expect(calls).toEqual(['loadState', 'resume']);
  });

  it('after complete is not waited for: the guest has arrived', async () => {
    const { receiving, calls } = await start();
    const client = beats(await resumed(switchedOver(receiving.port)));
    await client.message('complete');
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume']);
  });
});

describe('a guest that never answers', () => {
  it('while it is built ends the migration; a guest that comes too late is discarded', async () => {
    const { createGuest, calls } = guestsWith();
    let build = () => {};
    const receiving = await Receiving.start({
      guestCallMs: SOON_MS,
      createGuest: async (memory, description) => {
        await new Promise<void>((resolve) => {
          build = resolve;
        });
        return await createGuest(memory, description);
      },
    });
    const client = await RawClient.control(receiving.port);
    client.send(openMessage());
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED', neverRan: true });
    expect((await receiving.nextDropped()).message).toContain('0.1 s to be built');
    await untilIdle(receiving);
    expect(calls).toEqual([]);
    build();
    await until('the guest is discarded', () => calls.length > 0);
    expect(calls).toEqual(['discard']);
  });

  it('while it loads its state ends the migration', async () => {
    const { receiving, calls } = await start({ loadState: never }, { guestCallMs: SOON_MS });
    const client = await switchedOver(receiving.port);
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED', neverRan: true });
    expect((await receiving.nextDropped()).code).toBe('GUEST_FAILED');
    expect(calls).toEqual(['loadState', 'discard']);
  });

  it.each([
    ['stop-and-copy', switchedOver],
    ['post-copy', switchedOverMissing],
  ])('while it resumes may run: nobody is told that it never will (%s)', async (_how, begin) => {
    const { receiving, calls } = await start({ resume: never }, { guestCallMs: SOON_MS });
    const client = await resumed(begin(receiving.port));
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED', neverRan: false });
    const { error, guest } = await receiving.nextLost();
    expect(error.code).toBe('GUEST_FAILED');
    expect(receiving.dropped).toEqual([]);
    expect(calls).toEqual(['loadState', 'resume']);
    expect(receiving.destination.letGo(guest)).toBe(true);
    expect(calls).toEqual(['loadState', 'resume', 'discard']);
  });

  it.each<[string, Partial<Guest>, (port: number) => Promise<RawClient>]>([
    ['loads its state', { loadState: never }, switchedOver],
    [
      'is verified',
      {
        probe: {
          workload: 'none',
          startGapWatch() {},
          setTimeAway() {},
          observe: () => ({ operations: 0, longestGapMs: 0 }),
          verify: never,
        },
      },
      async (port) => {
        const client = await resumed(switchedOver(port));
        await client.message('complete');
        client.send({ type: 'verify', observeMs: 0, pages: 4 });
        return client;
      },
    ],
  ])(
    'does not keep the migration of a source that has gone, while it %s',
    async (_what, own, begin) => {
      const { receiving, calls } = await start(own, { guestCallMs: 600_000 });
      const waitsFor: Call = own.probe === undefined ? 'loadState' : 'verify';
      const client = await begin(receiving.port);
      await until(`the call of ${waitsFor}`, () => calls.includes(waitsFor));
      client.socket.destroy();
      await untilIdle(receiving);
      expect(calls.at(-1)).toBe(own.probe === undefined ? 'discard' : 'resume');
    },
  );

  it('does not keep the migration of a source that has gone, while it is built', async () => {
    let isBuilding = false;
    const receiving = await Receiving.start({
      createGuest: () => {
        isBuilding = true;
        return never();
      },
    });
    const client = await RawClient.control(receiving.port);
    client.send(openMessage());
    await until('the guest is being built', () => isBuilding);
    client.socket.destroy();
    expect((await receiving.nextDropped()).code).toBe('PEER_GONE');
    await receiving.destination.close();
  });
});

describe('strangers that say nothing but that they are alive', () => {
  it('keep no honest source out, however many they are', async () => {
    const { createGuest } = guestsWith();
    const receiving = await Receiving.start({ createGuest, maxMigrations: 2 });
    for (let i = 0; i < 40; i += 1) beats(await RawClient.control(receiving.port));
    expect(receiving.destination.migrations).toBeLessThan(20);
    await RawClient.opened(receiving.port);
    expect(receiving.dropped.map(({ code }) => code)).toContain('PEER_SILENT');
  });
});

describe('one migration too many', () => {
  it('is told so at its open, when it connected before the others opened', async () => {
    const { createGuest } = guestsWith();
    const receiving = await Receiving.start({ createGuest, maxMigrations: 1 });
    const second = await RawClient.control(receiving.port);
    const first = await RawClient.opened(receiving.port);
    second.send(openMessage());
    expect(await second.message('failed')).toMatchObject({ code: 'BUSY', neverRan: true });
    expect((await receiving.nextDropped()).code).toBe('BUSY');
    first.send({ type: 'clock', sentNs: 1n });
    await first.message('clocked');
  });

  it('is one that asks for more spaces than the others have left', async () => {
    const { createGuest } = guestsWith();
    const receiving = await Receiving.start({ createGuest });
    const space = { kind: 'ram', bytes: 4096, pageBytes: 4096 };
    const spaces = (count: number) => ({ spaces: Array.from({ length: count }, () => space) });
    const first = await RawClient.opened(receiving.port, 1, spaces(4000));
    const second = await RawClient.control(receiving.port);
    second.send(openMessage(1, spaces(97)));
    const failed = await second.message('failed');
    expect(failed).toMatchObject({ code: 'BUSY', neverRan: true });
    expect(failed['message']).toContain('96 of 4096 left');
    await RawClient.opened(receiving.port, 1, spaces(96));
    first.send({ type: 'clock', sentNs: 1n });
    await first.message('clocked');
  });
});
