import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PageferryError } from '../../src/errors.js';
import { type Arrival, binding } from '../../src/native/binding.js';
import { ControlChannel, peerError } from '../../src/protocol/channel.js';
import { encodeFrame } from '../../src/protocol/framing.js';
import {
  type DestinationMessage,
  parseSourceMessage,
  type SourceMessage,
} from '../../src/protocol/messages.js';
import { Frames } from '../support/frames.js';
import { rejection, until } from '../support/until.js';

type Channel = ControlChannel<DestinationMessage, SourceMessage>;

/** A channel as the destination has it, and the other end of its connection as a bare socket. */
async function openChannel(stallMs = 30_000) {
  const arrivals: Arrival[] = [];
  const listener = binding.listen(
    '127.0.0.1',
    0,
    30_000,
    (one) => arrivals.push(one),
    () => {},
    () => {},
  );
  const { magic, version, roles } = binding.protocolConstants();
  const preamble = Buffer.alloc(32);
  preamble.set(magic);
  preamble.writeUInt16LE(version, 8);
  preamble.writeUInt8(roles.control, 10);
  const peer = connect(listener.port, '127.0.0.1');
  peer.on('error', () => {});
  peer.write(preamble);
  await until('the connection arrives', () => arrivals.length > 0);
  const ends: PageferryError[] = [];
  const channel: Channel = new ControlChannel((arrivals[0] as Arrival).connection, {
    parse: parseSourceMessage,
    stallMs,
    onEnd: (error) => ends.push(error),
  });
  onTestFinished(() => {
    listener.close();
    channel.close();
    peer.destroy();
  });
  return { channel, peer, ends };
}

async function nextMessage(peer: Socket): Promise<unknown> {
  const decoder = new Frames();
  while (true) {
    const [chunk] = (await once(peer, 'data')) as [Buffer];
    const [value] = decoder.push(chunk);
    if (value !== undefined) return value;
  }
}

describe('the control channel', () => {
  it('brings messages in their order', async () => {
    const { channel, peer } = await openChannel();
    peer.write(encodeFrame({ type: 'round', sync: 1 }));
    peer.write(encodeFrame({ type: 'round', sync: 2 }));
    expect(await channel.receive()).toEqual({ type: 'round', sync: 1 });
    expect(await channel.receive()).toEqual({ type: 'round', sync: 2 });
  });

  it('brings a message that arrives in single bytes', async () => {
    const { channel, peer } = await openChannel();
    peer.setNoDelay(true);
    const waiting = channel.receive();
    for (const byte of encodeFrame({ type: 'resume' })) {
      await new Promise((sent) => peer.write(Buffer.of(byte), sent));
    }
    expect(await waiting).toEqual({ type: 'resume' });
  });

  it('sends messages and signs of life', async () => {
    const { channel, peer } = await openChannel();
    channel.send({ type: 'ready' });
    expect(await nextMessage(peer)).toEqual({ type: 'ready' });
    expect(await nextMessage(peer)).toEqual({ type: 'alive' });
  });

  it('keeps signs of life to itself', async () => {
    const { channel, peer } = await openChannel();
    peer.write(encodeFrame({ type: 'alive' }));
    peer.write(encodeFrame({ type: 'bye' }));
    expect(await channel.receive()).toEqual({ type: 'bye' });
  });

  it('gives what came before the connection was lost, then the loss', async () => {
    const { channel, peer, ends } = await openChannel();
    peer.end(encodeFrame({ type: 'resume' }));
    await until('the channel has ended', () => ends.length > 0);
    expect(await channel.receive()).toEqual({ type: 'resume' });
    expect(await rejection(channel.receive())).toMatchObject({ code: 'PEER_GONE' });
  });
});

describe('a control channel whose peer', () => {
  it('is gone ends with PEER_GONE, for who waits and for onEnd', async () => {
    const { channel, peer, ends } = await openChannel();
    const waiting = rejection(channel.receive());
    peer.destroy();
    const error = await waiting;
    expect(error).toMatchObject({ code: 'PEER_GONE', peer: channel.peer });
    expect(ends).toEqual([error]);
  });

  it('resets the connection ends with PEER_GONE', async () => {
    const { channel, peer } = await openChannel();
    const waiting = rejection(channel.receive());
    peer.resetAndDestroy();
    expect(await waiting).toMatchObject({ code: 'PEER_GONE' });
  });

  it('is silent ends with PEER_SILENT', async () => {
    const { channel, ends } = await openChannel(200);
    expect(await rejection(channel.receive())).toMatchObject({
      code: 'PEER_SILENT',
      peer: channel.peer,
    });
    expect(ends).toHaveLength(1);
  });

  it('spoke while our own event loop was blocked is not taken for silent', async () => {
    const { channel, peer } = await openChannel(200);
    // The event loop looks at its timers after this, and only then at its sockets.
    await nextTurn();
    peer.write(encodeFrame({ type: 'bye' }));
    const blockedUntil = performance.now() + 1500;
    while (performance.now() < blockedUntil);
    expect(await channel.receive()).toEqual({ type: 'bye' });
  });

  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['an oversize length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['no MessagePack', Buffer.from([1, 0, 0, 0, 0xc1])],
    ['a message that is no map', Buffer.from(encodeFrame([1, 2, 3]))],
    ['an unknown message', Buffer.from(encodeFrame({ type: 'surrender' }))],
    ['a message of the other side', Buffer.from(encodeFrame({ type: 'ready' }))],
    ['a field of another type', Buffer.from(encodeFrame({ type: 'round', sync: 'one' }))],
  ])('sends %s ends with PROTOCOL', async (_what, bytes) => {
    const { channel, peer, ends } = await openChannel();
    const waiting = rejection(channel.receive());
    peer.write(bytes);
    expect(await waiting).toMatchObject({ code: 'PROTOCOL', peer: channel.peer });
    await once(peer, 'close');
    expect(ends).toHaveLength(1);
  });
});

describe('a control channel that was closed here', () => {
  it('sends what was queued first, and tells nobody', async () => {
    const { channel, peer, ends } = await openChannel();
    channel.send({ type: 'failed', code: 'CANCELLED', message: 'enough', neverRan: true });
    channel.close();
    channel.close();
    expect(await nextMessage(peer)).toMatchObject({
      type: 'failed',
      code: 'CANCELLED',
      neverRan: true,
    });
    await once(peer, 'close');
    expect(ends).toEqual([]);
  });

  it('fails who still waits, and ignores what is sent', async () => {
    const { channel } = await openChannel();
    const waiting = rejection(channel.receive());
    channel.close();
    channel.send({ type: 'ready' });
    expect(await waiting).toMatchObject({ code: 'PEER_GONE' });
  });
});

describe('an error that a peer reports', () => {
  it('keeps a code of ours and names the peer', () => {
    const error = peerError('10.0.0.1:7000', 'BUSY', 'no place');
    expect(error).toMatchObject({ code: 'BUSY', peer: '10.0.0.1:7000' });
    expect(error.message).toBe('10.0.0.1:7000: no place');
  });

  it('is a breach of protocol when its code is none of ours', () => {
    expect(peerError('10.0.0.1:7000', 'EATEN', 'by a grue').code).toBe('PROTOCOL');
  });
});
