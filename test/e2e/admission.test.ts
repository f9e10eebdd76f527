/** Guests that together are more than fits: whom a destination takes, and what becomes of the others. */
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/destination/ledger.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import type { AvailableMemory } from '../../src/host/memory.js';
import { binding } from '../../src/native/binding.js';
import { takeAnything } from '../support/any-guest.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { openMessage, pagesRecord, RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

const PAGE_BYTES = 4096;

function withFree(bytes: () => number): Ledger {
  const available = (): AvailableMemory => ({
    bytes: bytes(),
    boundBy: 'host',
    where: '/proc/meminfo',
  });
  return new Ledger(available);
}

async function start(options: Partial<DestinationOptions> = {}): Promise<Receiving> {
  return await Receiving.start({ createGuest: takeAnything, ...options });
}

describe('two guests that fit one at a time', () => {
  it('are not both taken: the second is refused, and runs on at its source', async () => {
    const ledger = withFree(() => 24 * MIB);
    const receiving = await start({ ledger });
    const first = await RawClient.opened(receiving.port, 4096, { populatedBytes: 16 * MIB });
    const second = await startGuest({ memoryBytes: 16 * MIB });
    const refused = await failureOf(migrate(second, receiving.port));
    expect(refused).toMatchObject({
      code: 'DESTINATION_NO_MEMORY',
      message: expect.stringMatching(/the guest needs .* reserved for others.*--overcommit/),
      report: { outcome: 'failed', guestLocation: 'source' },
    });
    await expectUnharmed(second);
    first.socket.destroy();
    await receiving.nextDropped();
    await receiving.nextDropped();
    expect(ledger.reservedBytes).toBe(0);
    expect((await migrate(second, receiving.port)).guestVerified).toBe(true);
  });

  it('are not both taken by two destinations of one account', async () => {
    const ledger = withFree(() => 24 * MIB);
    const [one, another] = [await start({ ledger }), await start({ ledger })];
    const claim = { populatedBytes: 16 * MIB };
    await RawClient.opened(one.port, 4096, claim);
    const client = await RawClient.control(another.port);
    client.send(openMessage(4096, claim));
    expect(await client.message('failed')).toMatchObject({ code: 'DESTINATION_NO_MEMORY' });
  });

  it('are both taken, one after the other, however each of them ends', async () => {
    const ledger = withFree(() => 24 * MIB);
    const receiving = await start({ ledger });
    for (const strategy of ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const) {
      const client = await RawClient.opened(receiving.port, 4096, { populatedBytes: 16 * MIB });
      expect(ledger.reservedBytes).toBeGreaterThan(16 * MIB);
      client.socket.destroy();
      await until('it is dropped', () => ledger.reservedBytes === 0);
      const guest = await startGuest();
      expect((await migrate(guest, receiving.port, { strategy })).guestVerified).toBe(true);
      (await receiving.nextArrived()).discard?.();
      expect(ledger.reservedBytes).toBe(0);
    }
  });

  it('are both taken where the destination overcommits', async () => {
    const ledger = withFree(() => 0);
    const receiving = await start({ ledger, overcommit: true });
    const claim = { populatedBytes: 16 * MIB };
    await RawClient.opened(receiving.port, 4096, claim);
    await RawClient.opened(receiving.port, 4096, claim);
  });
});

describe('a destination keeps for a guest', () => {
  it('what it holds, not what it could hold', async () => {
    const ledger = withFree(() => 128 * MIB);
    const receiving = await start({ ledger });
    const TIB = 2 ** 40;
    await RawClient.opened(receiving.port, 4, {
      spaces: [{ kind: 'ram', bytes: TIB, pageBytes: PAGE_BYTES }],
    });
    expect(ledger.reservedBytes).toBeLessThan(128 * MIB);
  });

  it('all that it could hold where it is populated ahead', async () => {
    const receiving = await start({ ledger: withFree(() => 8 * MIB), prefault: true });
    const client = await RawClient.control(receiving.port);
    client.send(openMessage(4096));
    expect(await client.message('failed')).toMatchObject({ code: 'DESTINATION_NO_MEMORY' });
  });

  it('nothing more once its memory is prepared', async () => {
    let free = 64 * MIB;
    const ledger = withFree(() => free);
    const receiving = await start({ ledger, prepare: [[16 * MIB]] });
    free = MIB;
    await RawClient.opened(receiving.port, 4096, { populatedBytes: 16 * MIB });
  });

  it('nothing that it cannot hold: more populated than there is, is a breach of protocol', async () => {
    const receiving = await start();
    const client = await RawClient.control(receiving.port);
    client.send(openMessage(4, { populatedBytes: 5 * PAGE_BYTES }));
    expect(await client.message('failed')).toMatchObject({ code: 'PROTOCOL' });
  });
});

describe('a guest that grows while it moves', () => {
  it('stays at its source, unharmed, when nothing is left for it', async () => {
    let free = 64 * MIB;
    const receiving = await start({ ledger: withFree(() => free) });
    const guest = await startGuest({
      memoryBytes: 64 * MIB,
      fill: { kind: 'zero' },
      workload: 'sequential',
      writesPerSecond: 4000,
    });
    const source = sourceFor(guest, receiving.port, {
      strategy: 'pre-copy',
      // Smaller pages would all be there before it has grown.
      compression: 'raw',
      downtimeBudgetMs: 1,
      bandwidthBytesPerSecond: MIB,
    });
    const moving = failureOf(source.migrate());
    await until('it moves', () => receiving.destination.progress().pages > 0);
    free = 0;
    expect(await moving).toMatchObject({
      code: 'DESTINATION_NO_MEMORY',
      message: expect.stringContaining('that it came with'),
      report: { guestLocation: 'source' },
    });
    await expectUnharmed(guest);
  });

  it('does not exceed what is free by saying that it holds nothing', async () => {
    let free = 64 * MIB;
    const receiving = await start({ ledger: withFree(() => free) });
    const client = await RawClient.opened(receiving.port, 4096);
    free = 0;
    const { client: page } = await client.channel('page', 0);
    const content = binding.protocolConstants().contents.raw.id;
    const payload = Buffer.alloc(64 * PAGE_BYTES, 1);
    page.socket.write(pagesRecord([{ page: 0, pages: 64, content, payload }]));
    expect(await client.message('failed')).toMatchObject({ code: 'DESTINATION_NO_MEMORY' });
    expect((await receiving.nextDropped()).code).toBe('DESTINATION_NO_MEMORY');
  });
});
