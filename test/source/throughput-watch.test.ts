import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { Recorder } from '../../src/metrics/recorder.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { ThroughputWatch } from '../../src/source/throughput-watch.js';
import { guestsWith, STILL_PROBE } from '../support/guest-with.js';

const SENT = { pages: {}, pagesServed: 0, wireBytes: 0 };

async function watching(own: Partial<Guest>) {
  const { createGuest } = guestsWith(own);
  const guest = await createGuest(createGuestMemory([4096]), new Uint8Array());
  const recorder = new Recorder({
    migrationId: '0'.repeat(32),
    strategy: 'own',
    compression: 'raw',
    channels: 1,
    memoryBytes: 4096,
    workload: 'none',
    fill: null,
    gapResolutionMs: null,
  });
  recorder.start(0);
  const slowest = () => recorder.report('failed', 'source', SENT, null).guest?.opsPerSecondSlowest;
  return { watch: new ThroughputWatch(guest, recorder), slowest };
}

describe('the watch over a guest until its pause', () => {
  it('reads once more when it ends, and then no more', async () => {
    let [asked, operations] = [0, 500];
    const observe = () => {
      asked += 1;
      return { operations, longestGapMs: 0 };
    };
    const { watch, slowest } = await watching({ probe: { ...STILL_PROBE, observe } });
    watch.begin();
    watch.end();
    expect(asked).toBe(1);
    const atItsEnd = slowest();
    expect(atItsEnd).toBeGreaterThan(0);
    operations = 0;
    watch.end();
    expect(asked).toBe(1);
    expect(slowest()).toBe(atItsEnd);
  });

  it('asks nothing of a guest without a probe', async () => {
    const { watch, slowest } = await watching({});
    watch.begin();
    watch.end();
    expect(slowest()).toBeNull();
  });
});
