import { once } from 'node:events';
import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PageferryError } from '../../src/errors.js';
import { binding } from '../../src/native/binding.js';
import type { Arrival } from '../../src/native/connections.js';
import { ControlChannel, peerError } from '../../src/protocol/channel.js';
import { encodeFrame, MAX_MESSAGE_BYTES } from '../../src/protocol/framing.js';
import {
  type DestinationMessage,
  parseSourceMessage,
  type SourceMessage,
} from '../../src/protocol/messages.js';
import { atEnd } from '../support/at-end.js';
import { closed } from '../support/closed.js';
import { Frames } from '../support/frames.js';
import { rejection, until } from '../support/until.js';

type Channel = ControlChannel<DestinationMessage, SourceMessage>;

/** A channel as the destination has it, and the other end of its connection as a bare socket. */
async function openChannel(stallMs = 30_000, allowHalfOpen = false) {
  const arrivals: Arrival[] = [];
  const gate = binding.listen(
    { host: '127.0.0.1', port: 0 },
    null,
    30_000,
    (one) => arrivals.push(one),
    () => {},
    () => {},
  );
  const { magic, version, roles, preambleBytes } = binding.protocolConstants();
  const preamble = Buffer.alloc(preambleBytes);
  preamble.set(magic);
  preamble.writeUInt16LE(version, 8);
  preamble.writeUInt8(roles.control, 10);
  const peer = connect({ ...(gate.address as TcpSocketConnectOpts), allowHalfOpen });
  peer.on('error', () => {});
  peer.write(preamble);
  await until('the connection arrives', () => arrivals.length > 0);
  const ends: PageferryError[] = [];
  const channel: Channel = new ControlChannel((arrivals[0] as Arrival).connection, {
    parse: parseSourceMessage,
    stallMs,
    onEnd: (error) => ends.push(error),
  });
  atEnd(() => {
    gate.close();
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

  it('skips an optional message that it does not know, however many come', async () => {
    const { channel, peer } = await openChannel();
    for (let i = 0; i < 500; i += 1) {
      peer.write(encodeFrame({ type: 'compliments', optional: true, number: i }));
    }
    peer.write(encodeFrame({ type: 'bye' }));
    expect(await channel.receive()).toEqual({ type: 'bye' });
  });

  it('does not let an optional message be longer than others, not even where a long one is due', async () => {
    const { channel, peer } = await openChannel();
    channel.expectLong('switchover', 2 * MAX_MESSAGE_BYTES);
    const of = new Uint8Array(MAX_MESSAGE_BYTES);
    peer.write(encodeFrame({ type: 'compliments', optional: true, of }));
    expect(await rejection(channel.receive())).toMatchObject({ code: 'PROTOCOL' });
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

  it('says why and resets the connection is heard, although what it is sent finds that first', async () => {
    const { channel, peer, ends } = await openChannel();
    const waiting = channel.receive();
    // All within one turn: nothing of it is read before the reset is there.
    await nextTurn();
    peer.write(encodeFrame({ type: 'failed', code: 'CANCELLED', message: 'enough' }));
    peer.resetAndDestroy();
    channel.send({ type: 'alive' });
    expect(await waiting).toMatchObject({ type: 'failed', message: 'enough' });
    expect(await rejection(channel.receive())).toMatchObject({ code: 'PEER_GONE' });
    expect(ends).toHaveLength(1);
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
    channel.send({ type: 'failed', code: 'PROTOCOL', message: 'nonsense', neverRan: true });
    channel.close();
    expect(await nextMessage(peer)).toMatchObject({ type: 'failed', code: 'PROTOCOL' });
    await closed(peer);
    expect(ends).toHaveLength(1);
  });
});

describe('a control channel is not filled by a peer that', () => {
  it('sends more than is dealt with: it is left unread, and read on later', async () => {
    const { channel, peer } = await openChannel();
    const before = process.memoryUsage().rss;
    const one = Buffer.from(encodeFrame({ type: 'round', sync: 7 }));
    const block = Buffer.concat(Array.from({ length: 50_000 }, () => one));
    // 60 MiB, unless it is stopped: then what the two sockets hold.
    const sent = () => peer.bytesWritten;
    for (let written = 0; written < 60 * 2 ** 20; written += block.byteLength) peer.write(block);
    await until('the peer waits', async () => {
      const seen = sent() - peer.writableLength;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return seen > 0 && seen === sent() - peer.writableLength;
    });
    expect(peer.writableLength).toBeGreaterThan(40 * 2 ** 20);
    // The peer's own blocks are one and the same buffer.
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 2 ** 20);
    for (let i = 0; i < 100_000; i += 1) {
      expect(await channel.receive()).toEqual({ type: 'round', sync: 7 });
    }
  });

  it('does not read: it counts as gone', async () => {
    const { channel, peer, ends } = await openChannel();
    peer.pause();
    const message = 'x'.repeat(4000);
    let sent = 0;
    while (ends.length === 0 && sent < 10_000) {
      channel.send({ type: 'failed', code: 'SYSTEM', message, neverRan: true });
      sent += 1;
      if (sent % 10 === 0) await nextTurn();
    }
    expect(ends).toMatchObject([{ code: 'PEER_SILENT' }]);
    expect(ends[0]?.message).toContain('does not read');
  });

  it('sends a longer message than was agreed on: it is refused by its length', async () => {
    const { channel, peer } = await openChannel();
    const waiting = rejection(channel.receive());
    const length = Buffer.alloc(4);
    length.writeUInt32LE(MAX_MESSAGE_BYTES + 1);
    peer.write(length);
    expect(await waiting).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining(`${MAX_MESSAGE_BYTES}`),
    });
  });

  it('sends a long message of another type than was agreed on: it is refused', async () => {
    const { channel, peer } = await openChannel();
    channel.expectLong('switchover', 2 ** 20);
    peer.write(encodeFrame({ type: 'cancel', reason: 'x'.repeat(300_000) }));
    expect(await rejection(channel.receive())).toMatchObject({ code: 'PROTOCOL' });
  });

  it('sends one long message that was agreed on: it is taken, and the next one refused', async () => {
    const { channel, peer } = await openChannel();
    channel.expectLong('switchover', 2 ** 20);
    const state = Buffer.alloc(2 ** 20 - 1000, 3);
    const message = { type: 'switchover', sync: 1, postCopy: false, pausedAtNs: 1n, running: true };
    peer.write(encodeFrame({ ...message, state }));
    peer.write(encodeFrame({ ...message, state }));
    const taken = await channel.receive();
    expect(taken.type === 'switchover' && taken.state.byteLength).toBe(state.byteLength);
    expect(await rejection(channel.receive())).toMatchObject({ code: 'PROTOCOL' });
  });
});

describe('a control channel that is left unread', () => {
  it('does not hold the time against its peer', async () => {
    const { channel, peer, ends } = await openChannel(200);
    for (let i = 1; i <= 1000; i += 1) peer.write(encodeFrame({ type: 'round', sync: i }));
    // The channel says that it is alive and looks at its peer's silence in one go.
    const heard = new Frames();
    let beats = 0;
    peer.on('data', (chunk: Buffer) => {
      beats += heard.push(chunk).length;
    });
    await until('the channel has looked several times', () => beats >= 3);
    expect(ends).toEqual([]);
    for (let i = 1; i <= 1000; i += 1) expect(await channel.receive()).toMatchObject({ sync: i });
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
    await closed(peer);
    expect(ends).toEqual([]);
  });

  it('leaves no socket, though the peer reads nothing and never hangs up', async () => {
    const { channel } = await openChannel(30_000, true);
    channel.close();
    await channel.closed;
  });

  it('cuts a text that is longer than a message may carry', async () => {
    const { channel, peer } = await openChannel();
    channel.send({ type: 'failed', code: 'SYSTEM', message: 'x'.repeat(2 ** 20), neverRan: false });
    const said = (await nextMessage(peer)) as { message: string };
    expect(said.message).toBe(`${'x'.repeat(4095)}…`);
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
