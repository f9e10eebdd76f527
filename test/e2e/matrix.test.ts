import { describe, expect, it } from 'vitest';
import type { Fill } from '../../src/guest/workload-guest.js';
import { binding } from '../../src/native/binding.js';
import { TRACKER_KINDS } from '../../src/native/memory.js';
import { WORKLOAD_NAMES } from '../../src/native/workload.js';
import { COMPRESSIONS, STRATEGY_NAMES } from '../../src/vocabulary.js';
import { migrate, Receiving } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';

const FILLS: readonly Fill[] = [
  { kind: 'random' },
  { kind: 'zero' },
  { kind: 'text' },
  { kind: 'file', path: process.execPath },
  { kind: 'process', pid: process.pid },
];
const CHANNELS = [1, 2, 5];
const WRITE_BYTES = [64, 4096, 8];
const { capabilities } = binding.probe('shared');
const trackers = TRACKER_KINDS.filter((kind) =>
  capabilities.some(({ name, available }) => name === kind && available),
);

function turn<T>(choices: readonly T[], at: number): T {
  return choices[at % choices.length] as T;
}

/** Every workload by every strategy; the other choices take turns, each at a pace of its own. */
const cases = STRATEGY_NAMES.flatMap((strategy, s) =>
  WORKLOAD_NAMES.map((workload, w) => {
    const at = s * WORKLOAD_NAMES.length + w;
    return {
      strategy,
      workload,
      fill: turn(FILLS, at),
      compression: turn(COMPRESSIONS, at + s),
      channels: turn(CHANNELS, at + s),
      tracker: turn(trackers, w + s),
      threads: turn([1, 3], w),
      writeBytes: turn(WRITE_BYTES, w + 2 * s),
      writesPerSecond: turn([0, 20_000], w + s),
    };
  }),
);

describe.concurrent('a guest', () => {
  it.each(cases)(
    'moves by $strategy while it runs $workload (fill $fill.kind, compression $compression, channels $channels, tracker $tracker)',
    async ({ strategy, compression, channels, tracker, ...guestOptions }) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ memoryBytes: 12 * MIB, seed: channels, ...guestOptions });
      const report = await migrate(guest, receiving.port, {
        strategy,
        compression,
        channels,
        tracker,
      });
      expect(report).toMatchObject({
        outcome: 'completed',
        guestLocation: 'destination',
        guestVerified: true,
        verification: { pagesCompared: (12 * MIB) / 4096, pagesDifferent: 0, failedReads: 0 },
      });
      const arrived = await receiving.nextArrived();
      if (guestOptions.workload !== 'idle') await expectUnharmed(arrived);
    },
  );
});

describe.concurrent.each(trackers)('the tracker %s', (tracker) => {
  it.each(['pre-copy', 'hybrid', 'post-copy'] as const)(
    'sees every write of %s',
    async (strategy) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ memoryBytes: 24 * MIB, threads: 4 });
      const report = await migrate(guest, receiving.port, { strategy, tracker, channels: 2 });
      expect(report.guestVerified).toBe(true);
    },
  );
});
