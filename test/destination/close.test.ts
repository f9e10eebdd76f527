/** What a destination does until it is closed, and that nothing of it is left then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import { atEnd } from '../support/at-end.js';
import { openDescriptors } from '../support/descriptors.js';
import { guestsWith, receivingWith, STILL_PROBE } from '../support/guest-with.js';
import { resumed, switchedOver } from '../support/handmade-source.js';
import { preamble, RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

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
    atEnd(() => void child.kill());
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
    // One of them stays silent past the switchover, and is waited for as long as a stall may last.
    const { receiving } = await receivingWith({}, { stallMs: 2000 });
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
    const { receiving, calls } = await receivingWith({ probe: STILL_PROBE });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('complete');
    client.send({ type: 'verify', observeMs: 600_000, pages: 4 });
    client.send({ type: 'clock', sentNs: 1n });
    await receiving.destination.close();
    expect(receiving.arrived).toHaveLength(1);
    expect(calls.filter((call) => call === 'resume').length).toBeGreaterThan(0);
    expect(await client.message('verified')).toMatchObject({ verification: { pagesCompared: 4 } });
  });

  it('may be closed again, and says the same', async () => {
    const { receiving } = await receivingWith();
    await RawClient.opened(receiving.port);
    await Promise.all([receiving.destination.close(), receiving.destination.close()]);
    expect(receiving.dropped).toHaveLength(1);
  });
});
