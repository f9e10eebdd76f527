/**
 * What peers that mean no good can make a destination hold, and for how long. The destination is a process
 * of its own, so that what the peers hold themselves is not counted.
 */
import { describe, expect, it } from 'vitest';
import {
  excess,
  type Footprint,
  footprintOf,
  peakResidentBytes,
  untilGivenBack,
  watchPeak,
} from '../support/footprint.js';
import { MIB } from '../support/guests.js';
import { Host } from '../support/hosts.js';
import {
  openMessage,
  pagesRecord,
  preamble,
  RawClient,
  syncRecord,
} from '../support/raw-client.js';
import { until } from '../support/until.js';

const PAGE_BYTES = 4096;
/** A preamble must be complete within this. */
const PREAMBLE_MS = 5000;
/** Far more than any of this takes on a busy machine, and far less than the time it would take unbounded. */
const GRACE_MS = 10_000;
/** What Node's heap and the allocator may keep of what is free again, and threads kept for the next call. */
const SLACK: Partial<Footprint> = { residentBytes: 48 * MIB, threads: 8 };

interface Peer {
  readonly port: number;
  /** Throws unless the destination holds at most so much more than before, and never was more resident. */
  expectHolds(most: Footprint): void;
  /** Returns once the destination holds what it held before. */
  givenBack(): Promise<void>;
}

/** A destination that has met a peer already, so that what it needs once is not counted. */
async function destination(): Promise<Peer> {
  const host = await Host.start();
  const port = await host.listenForAnything();
  const atRest = footprintOf(host.pid);
  const first = await RawClient.opened(port);
  const { client: page } = await first.channel('page', 0);
  page.socket.write(syncRecord(1));
  first.send({ type: 'round', sync: 1 });
  await first.message('rounded');
  for (const { socket } of [first, page]) socket.destroy();
  await host.event('dropped');
  await untilGivenBack(atRest, { threads: 8 }, host.pid);
  const before = footprintOf(host.pid);
  watchPeak(host.pid);
  return {
    port,
    expectHolds: (most) => {
      const now = footprintOf(host.pid);
      const peak = { ...now, residentBytes: peakResidentBytes(host.pid) };
      expect(excess(before, peak, most)).toEqual([]);
    },
    givenBack: () => untilGivenBack(before, SLACK, host.pid),
  };
}

describe.concurrent('a destination', () => {
  it('holds one descriptor for each stranger that says nothing, no thread, and none of it for longer than a preamble may take', async () => {
    const there = await destination();
    const strangers = await Promise.all(
      Array.from({ length: 200 }, () => RawClient.connect(there.port)),
    );
    for (const { socket } of strangers.slice(100)) socket.write(preamble().subarray(0, 20));
    there.expectHolds({ descriptors: 200, threads: 0, residentBytes: 16 * MIB });
    await Promise.all(strangers.map((stranger) => stranger.closed(PREAMBLE_MS + GRACE_MS)));
    await there.givenBack();
  });

  it('is rid at once of peers that speak another protocol, however many they are', async () => {
    const there = await destination();
    for (let wave = 0; wave < 5; wave += 1) {
      const peers = await Promise.all(
        Array.from({ length: 50 }, () => RawClient.connect(there.port)),
      );
      for (const { socket } of peers) socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await Promise.all(peers.map((peer) => peer.closed(GRACE_MS)));
    }
    there.expectHolds({ descriptors: 50, threads: 0, residentBytes: 16 * MIB });
    await there.givenBack();
  });

  it('pays nothing for memory that is only asked for', async () => {
    const there = await destination();
    const client = await RawClient.control(there.port);
    client.send(
      openMessage(4, { spaces: [{ kind: 'ram', bytes: 2 ** 43, pageBytes: PAGE_BYTES }] }),
    );
    await until('an answer', () => client.messages.some(({ type }) => type !== 'alive'));
    there.expectHolds({ descriptors: 8, threads: 8, residentBytes: 32 * MIB });
    client.socket.destroy();
    await there.givenBack();
  });

  it('holds at most two descriptors for each region of a guest, and gives them back', async () => {
    const there = await destination();
    const spaces = Array.from({ length: 64 }, () => ({
      kind: 'ram',
      bytes: PAGE_BYTES,
      pageBytes: PAGE_BYTES,
    }));
    const client = await RawClient.opened(there.port, 4, { spaces });
    there.expectHolds({ descriptors: 2 * 64 + 8, threads: 8, residentBytes: 32 * MIB });
    client.socket.destroy();
    await there.givenBack();
  });

  it('gives back what a long description took', async () => {
    const there = await destination();
    const client = await RawClient.control(there.port);
    client.send(openMessage(4, { description: new Uint8Array(20 * MIB) }));
    await until('an answer', () => client.messages.some(({ type }) => type !== 'alive'));
    there.expectHolds({ descriptors: 8, threads: 8, residentBytes: 128 * MIB });
    client.socket.destroy();
    await there.givenBack();
  });

  it('holds a thread and a descriptor for each page channel that was agreed on, and gives them back', async () => {
    const there = await destination();
    const channels = 64;
    const client = await RawClient.opened(there.port, 4, { channels });
    const pages = await Promise.all(
      Array.from({ length: channels }, (_, channel) => client.channel('page', channel)),
    );
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([0]));
    there.expectHolds({
      descriptors: 2 * channels + 8,
      threads: channels + 8,
      residentBytes: 512 * MIB,
    });
    for (const { socket } of [client, ...pages.map(({ client }) => client)]) socket.destroy();
    await there.givenBack();
  });

  it('holds a page once, however often it is sent', async () => {
    const there = await destination();
    const client = await RawClient.opened(there.port);
    const { client: channel } = await client.channel('page', 0);
    const payload = new Uint8Array(4 * PAGE_BYTES).fill(7);
    const record = pagesRecord([{ page: 0, pages: 4, content: 0, payload }]);
    for (let i = 0; i < 4000; i += 1) channel.socket.write(record);
    channel.socket.write(syncRecord(1));
    client.send({ type: 'round', sync: 1 });
    expect(await client.message('rounded')).toMatchObject({ pages: 16_000 });
    there.expectHolds({ descriptors: 8, threads: 8, residentBytes: 32 * MIB });
    for (const { socket } of [client, channel]) socket.destroy();
    await there.givenBack();
  });
});
