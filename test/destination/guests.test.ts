/** Guests on a destination: those that misbehave, and those that come to harm. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { openDescriptors, openFiles } from '../support/descriptors.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { guestsWith, receivingWith, STILL_PROBE } from '../support/guest-with.js';
import { startGuest } from '../support/guests.js';
import {
  allMissing,
  resumed,
  SWITCHOVER,
  switchedOver,
  switchedOverMissing,
} from '../support/handmade-source.js';
import { openMessage, pagesRecord, RawClient, syncRecord } from '../support/raw-client.js';
import { Relay } from '../support/relay.js';
import { until } from '../support/until.js';

describe('a guest that refuses to resume', () => {
  it.each([
    ['stop-and-copy', switchedOver],
    ['post-copy', switchedOverMissing],
  ])('is dropped, and its source told that it never ran (%s)', async (_how, begin) => {
    const { receiving, calls } = await receivingWith({
      resume: () => Promise.reject(new Error('not today')),
    });
    const client = await resumed(begin(receiving.port));
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED', neverRan: true });
    expect((await receiving.nextDropped()).message).toContain('not today');
    expect(calls).toEqual(['loadState', 'resume', 'discard']);
    expect(receiving.lost).toEqual([]);
  });
});

describe('a guest that runs and whose probe fails', () => {
  it('has arrived: nobody is told that it never ran', async () => {
    const fails = () => {
      throw new Error('I have no watch');
    };
    const { receiving, calls } = await receivingWith({
      probe: { ...STILL_PROBE, resumedAtNs: fails, setTimeAway: fails, observe: fails },
    });
    const client = await resumed(switchedOver(receiving.port));
    expect(await client.message('complete')).toMatchObject({ guest: null });
    client.send({ type: 'bye' });
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume']);
    expect(client.messages.some(({ type }) => type === 'failed')).toBe(false);
  });
});

describe('a source that goes while the guest resumes', () => {
  async function goneWhileResuming(begin: (port: number) => Promise<RawClient>) {
    let goOn = () => {};
    const resuming = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { receiving, calls } = await receivingWith({ resume: () => resuming });
    const client = await resumed(begin(receiving.port));
    await until('the guest is being resumed', () => calls.includes('resume'));
    client.socket.destroy();
    // The destination learns of it, and sees the resume through all the same.
    const another = await RawClient.control(receiving.port);
    another.socket.destroy();
    await receiving.nextDropped();
    expect(receiving.destination.guestsArriving).toBe(1);
    goOn();
    return { receiving, calls };
  }

  it('has given it away: with every page here it runs', async () => {
    const { receiving, calls } = await goneWhileResuming(switchedOver);
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume']);
  });

  it('takes its pages along: in post-copy the guest is lost', async () => {
    const { receiving, calls } = await goneWhileResuming(switchedOverMissing);
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    expect(calls).toEqual(['loadState', 'resume']);
  });
});

describe('a guest that was lost', () => {
  it('is let go of once, with its memory', async () => {
    // Not their number: an earlier test's guest may be collected meanwhile.
    const before = openFiles('/memfd:');
    const { receiving, calls } = await receivingWith();
    const client = await resumed(switchedOverMissing(receiving.port));
    await client.message('running');
    client.socket.destroy();
    const { guest } = await receiving.nextLost();
    const memory = openFiles('/memfd:').filter((file) => !before.includes(file));
    expect(memory).toHaveLength(1);
    await receiving.destination.close();
    expect(receiving.destination.letGo(guest)).toBe(true);
    expect(receiving.destination.letGo(guest)).toBe(false);
    expect(calls).toEqual(['loadState', 'resume', 'discard']);
    await until(
      'its memory goes',
      () => !openFiles('/memfd:').some((file) => memory.includes(file)),
    );
  });

  it('is let go of while its threads wait for pages that never come', async () => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    const before = openDescriptors('/memfd:');
    const moving = await startGuest({ threads: 2 });
    const source = sourceFor(moving, relay.port, {
      strategy: 'post-copy',
      bandwidthBytesPerSecond: 1 << 20,
    });
    source.on('phase', (phase) => {
      if (phase === 'push-residual-set') relay.cut();
    });
    await failureOf(source.migrate());
    const { guest } = await receiving.nextLost();
    receiving.lost.length = 0;
    expect(receiving.destination.letGo(guest)).toBe(true);
    moving.discard();
    // An earlier test's guest may have been collected meanwhile.
    await until('their memory goes', () => openDescriptors('/memfd:') <= before);
  });
});

describe('a verify', () => {
  it('for longer than the protocol allows is refused', async () => {
    const { receiving } = await receivingWith({ probe: STILL_PROBE });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 600_001, pages: 4 });
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL' });
    await receiving.nextArrived();
  });

  it('that fails leaves the guest running, and arrived', async () => {
    const fails = { ...STILL_PROBE, verify: () => Promise.reject(new Error('I cannot count')) };
    const { receiving, calls } = await receivingWith({ probe: fails });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 0, pages: 4 });
    expect(await client.message('failed')).toMatchObject({ code: 'GUEST_FAILED' });
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume', 'pause', 'verify', 'resume']);
  });
});

describe('a verify of no page', () => {
  it('does not pause the guest, and compares nothing', async () => {
    const { receiving, calls } = await receivingWith({ probe: STILL_PROBE });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 1, pages: 0 });
    expect(await client.message('verified')).toMatchObject({ verification: null });
    client.send({ type: 'bye' });
    await receiving.nextArrived();
    expect(calls).toEqual(['loadState', 'resume']);
  });
});

describe('a guest that its owner had paused', () => {
  it('arrives, is verified, and stays paused', async () => {
    const { receiving, calls } = await receivingWith({ probe: STILL_PROBE });
    const client = await resumed(switchedOver(receiving.port, { running: false }));
    expect(await client.message('running')).toMatchObject({ resumeMs: expect.any(Number) });
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 0, pages: 4 });
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
    const { receiving } = await receivingWith({
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
    const { receiving, calls } = await receivingWith();
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
