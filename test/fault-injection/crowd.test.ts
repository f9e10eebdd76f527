/**
 * A crowd of strangers at the port: they say nothing or nonsense, stay until they are turned away, and come again. The
 * destination is a process of its own, so that what the crowd holds itself is not counted.
 */
import { describe, expect, it } from 'vitest';
import { Crowd, type WantedCrowd } from '#bench/lib/crowd.js';
import { type Pageferry, startDestination } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';
import { openDescriptors } from '../support/descriptors.js';
import { migrate } from '../support/destinations.js';
import {
  excess,
  footprintOf,
  peakResidentBytes,
  untilGivenBack,
  watchPeak,
} from '../support/footprint.js';
import { MIB, startGuest } from '../support/guests.js';
import { until } from '../support/until.js';

const STRANGERS = 4000;
const PER_SECOND = 2000;
/** Connections that a destination keeps while they have not said who they are (docs/protocol.md, section 7). */
const MOST_KEPT = 256;
/** Lines about strangers in a second. */
const MOST_LINES = 8;
const GUEST_BYTES = 32 * MIB;
const NEWCOMER_BYTES = 4 * MIB;

async function moveGuest(port: number, memoryBytes: number, options = {}): Promise<void> {
  const guest = await startGuest({ memoryBytes });
  expect((await migrate(guest, port, options)).guestVerified).toBe(true);
}

/** Lines about strangers, and how many strangers they tell of. */
function toldBy(destination: Pageferry) {
  const lines = destination.stdout.match(/stranger .* turned away: .*/g) ?? [];
  const counts = lines.map((line) => 1 + Number(/; and (\d+) others before$/.exec(line)?.[1] ?? 0));
  return { lines: lines.length, strangers: counts.reduce((sum, count) => sum + count, 0) };
}

async function startCrowd(wanted: WantedCrowd): Promise<Crowd> {
  const crowd = new Crowd(wanted);
  atEnd(() => crowd.leave());
  await until('a crowd is there', () => crowd.came > 2 * MOST_KEPT);
  return crowd;
}

describe('a crowd of strangers', () => {
  it.each([
    ['the address of the sources', ['127.0.0.1']],
    ['many addresses', Array.from({ length: 64 }, (_, at) => `127.0.1.${at + 1}`)],
  ])(
    'from %s keeps no guest from arriving whole, lets a newcomer in, and leaves nothing behind',
    async (_from, addresses) => {
      const { destination, address } = await startDestination();
      const port = Number(address.split(':').at(-1));
      // What the destination needs once is not counted.
      await moveGuest(port, NEWCOMER_BYTES, { strategy: 'hybrid' });
      const sockets = openDescriptors('socket:');
      const before = footprintOf(destination.pid);
      watchPeak(destination.pid);
      const began = performance.now();

      const crowd = await startCrowd({ port, addresses, perSecond: PER_SECOND, tricklers: 64 });
      const slow = { strategy: 'hybrid', bandwidthBytesPerSecond: 16 * MIB };
      const migration = moveGuest(port, GUEST_BYTES, slow);
      await moveGuest(port, NEWCOMER_BYTES, { strategy: 'pre-copy', channels: 4 });
      await migration;
      await until('all strangers have come', () => crowd.came >= STRANGERS);

      const peak = {
        ...footprintOf(destination.pid),
        residentBytes: peakResidentBytes(destination.pid),
      };
      expect(
        excess(before, peak, {
          residentBytes: GUEST_BYTES + NEWCOMER_BYTES + 50 * MIB,
          descriptors: MOST_KEPT + 64,
          threads: 16,
        }),
      ).toEqual([]);

      await crowd.leave();
      await until('each was told of once', () => toldBy(destination).strangers >= crowd.came);
      const seconds = (performance.now() - began) / 1000;
      const told = toldBy(destination);
      expect(told.strangers).toBe(crowd.came);
      expect(told.lines).toBeLessThanOrEqual(MOST_LINES * (seconds + 1));
      await untilGivenBack(before, { residentBytes: 48 * MIB, threads: 8 }, destination.pid);
      await until('every socket here is closed', () => openDescriptors('socket:') <= sockets);
    },
    60_000,
  );
});
