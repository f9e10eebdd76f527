/** What a destination does until it is closed, and that nothing of it is left then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import type { Guest } from '../../src/guest/guest.js';
import { openDescriptors } from '../support/descriptors.js';
import { migrate, Receiving } from '../support/destinations.js';
import { guestsWith } from '../support/guest-with.js';
import { startGuest } from '../support/guests.js';
import { allMissing, resumed, SWITCHOVER, switchedOver } from '../support/handmade-source.js';
import {
  openMessage,
  pagesRecord,
  preamble,
  RawClient,
  syncRecord,
} from '../support/raw-client.js';
import { until } from '../support/until.js';

const probe = {
  workload: 'none',
  startGapWatch() {},
  setTimeAway() {},
  observe: () => ({ operations: 0, longestGapMs: 0 }),
  verify: async () => ({
    pagesCompared: 4,
    pagesDifferent: 0,
    firstDifferentPage: null,
    failedReads: 0,
  }),
};

async function start(own: Partial<Guest> = {}) {
  const { createGuest, calls } = guestsWith(own);
  return { receiving: await Receiving.start({ createGuest }), calls };
}

describe('a destination that is closed', () => {
  it('takes nobody who had already connected when it was', async () => {
    const { createGuest } = guestsWith();
    const destination = await Destination.listen({ createGuest });
    const told: string[] = [];
    for (const event of ['arriving', 'dropped', 'stranger', 'warning'] as const) {
      destination.on(event, () => told.push(event));
    }
    // From another process, so that it can connect while this one does nothing else.
    const knock = `
      const socket = require('net').connect(${destination.port}, '127.0.0.1', () => {
        socket.write(Buffer.from('${preamble().toString('hex')}', 'hex'));
        console.log('connected');
      });
      socket.on('close', () => process.exit(0)).on('error', () => process.exit(0));`;
    const child = spawn(process.execPath, ['-e', knock], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill());
    const closed = once(child, 'exit');
    // The listener's own thread queues the arrival meanwhile.
    const blockedUntil = performance.now() + 1500;
    while (performance.now() < blockedUntil);
    await destination.close();
    expect(destination.migrations).toBe(0);
    await closed;
    expect(told).toEqual([]);
    expect(destination.migrations).toBe(0);
  });

  it('leaves no connection, whether its sources hang up or not', async () => {
    const before = openDescriptors('socket:');
    const { receiving } = await start();
    const clients = [
      await RawClient.control(receiving.port),
      await RawClient.opened(receiving.port),
      await switchedOver(receiving.port),
    ];
    await clients[2]?.message('ready');
    for (const { socket } of clients) socket.pause();
    await receiving.destination.close();
    for (const { socket } of clients) socket.destroy();
    await until('no socket is left', () => openDescriptors('socket:') <= before);
  });

  it('looks no longer at a guest that has arrived, however long its source asked for', async () => {
    const { receiving, calls } = await start({ probe });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 600_000 });
    client.send({ type: 'clock', sentNs: 1n });
    await receiving.destination.close();
    expect(receiving.arrived).toHaveLength(1);
    expect(calls.filter((call) => call === 'resume').length).toBeGreaterThan(0);
    expect(await client.message('verified')).toMatchObject({ verification: { pagesCompared: 4 } });
  });

  it('may be closed again, and says the same', async () => {
    const { receiving } = await start();
    await RawClient.opened(receiving.port);
    await Promise.all([receiving.destination.close(), receiving.destination.close()]);
    expect(receiving.dropped).toHaveLength(1);
  });
});

describe('a verify', () => {
  it('for longer than the protocol allows is refused', async () => {
    const { receiving } = await start({ probe });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 600_001 });
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL' });
    await receiving.nextArrived();
  });

  it('that fails leaves the guest running, and arrived', async () => {
    const fails = { ...probe, verify: () => Promise.reject(new Error('I cannot count')) };
    const { receiving, calls } = await start({ probe: fails });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 0 });
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED' });
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume', 'pause', 'verify', 'resume']);
  });
});

describe('a guest that its owner had paused', () => {
  it('arrives, is verified, and stays paused', async () => {
    const { receiving, calls } = await start({ probe });
    const client = await resumed(switchedOver(receiving.port, { running: false }));
    expect(await client.message('running')).toMatchObject({ resumeMs: expect.any(Number) });
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 0 });
    await client.message('verified');
    client.send({ type: 'bye' });
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'verify']);
  });
});

describe('a factory', () => {
  it('that answers nothing ends its migration, and no more', async () => {
    const receiving = await Receiving.start({
      createGuest: async () => undefined as unknown as Guest,
    });
    const client = await RawClient.control(receiving.port);
    client.send(openMessage());
    expect(await client.message('failed')).toMatchObject({
      code: 'GUEST_FAILED',
      message: expect.stringContaining('undefined'),
    });
    await receiving.nextDropped();
  });

  it('whose guests will not be discarded ends its migration, and no more', async () => {
    const { receiving } = await start({
      discard: () => {
        throw new Error('I stay');
      },
    });
    const client = await RawClient.opened(receiving.port);
    client.socket.destroy();
    expect((await receiving.nextDropped()).code).toBe('PEER_GONE');
    await RawClient.opened(receiving.port);
  });
});

describe('a state', () => {
  it('longer than the destination takes is refused before it comes', async () => {
    const { createGuest, calls } = guestsWith();
    const receiving = await Receiving.start({ createGuest, maxStateBytes: 300_000 });
    const client = await switchedOver(receiving.port, { state: new Uint8Array(300_000) });
    await client.message('ready');
    const another = await RawClient.opened(receiving.port);
    expect(another.messages).toMatchObject([{ type: 'opened', maxStateBytes: 300_000 }]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(400_000);
    another.socket.write(length);
    expect(await another.message('failed')).toMatchObject({ code: 'PROTOCOL', neverRan: true });
    await receiving.nextDropped();
    expect(calls).toEqual(['loadState', 'discard']);
  });
});

describe('a switchover to no post-copy', () => {
  it('with pages announced as missing is a breach of protocol: nobody runs on stale pages', async () => {
    const { receiving, calls } = await start();
    const client = await RawClient.opened(receiving.port);
    const { client: page } = await client.channel('page', 0);
    page.socket.write(Buffer.concat([pagesRecord([allMissing()]), syncRecord(1)]));
    client.send(SWITCHOVER);
    expect(await client.message('failed')).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('announced as missing'),
      neverRan: true,
    });
    await receiving.nextDropped();
    expect(calls).toEqual(['discard']);
  });
});

describe('guests that have come and gone', () => {
  it('leave no memory behind, with a listener that waits for each', async () => {
    const receiving = await Receiving.start();
    const guest = () => startGuest({ workload: 'idle', memoryBytes: 1 << 20 });
    const move = async () => {
      const moving = await guest();
      const arrived = once(receiving.destination, 'arrived');
      await migrate(moving, receiving.port, { verify: false });
      const [there, { peer }] = await arrived;
      expect(peer).toContain('127.0.0.1');
      there.discard?.();
      moving.discard();
      receiving.arrived.length = 0;
    };
    await move();
    const before = openDescriptors('/memfd:');
    for (let i = 0; i < 30; i += 1) await move();
    await until('memory goes', () => openDescriptors('/memfd:') <= before);
  });
});
