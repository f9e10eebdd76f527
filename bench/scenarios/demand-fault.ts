// What a demand fault costs the guest, beside the bare round trip of a request and a page and the local
// work of installing one.
import { histogramOf } from '../lib/histogram.js';
import { runNative } from '../lib/native.js';
import { migrateOnce, type WantedMigration } from '../lib/pair.js';
import { bareRoundTrip } from '../lib/round-trip.js';
import type { Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 64 * 2 ** 20;
const TOUCHES = 500;
const PAUSE_MS = 1;
const PUSH_BYTES_PER_SECOND = 8 << 20;

export const DEMAND_FAULTS = {
  guest: { kind: 'touch', memoryBytes: MEMORY_BYTES, touches: TOUCHES, pauseMs: PAUSE_MS },
  source: { strategy: 'post-copy', bandwidthBytesPerSecond: PUSH_BYTES_PER_SECOND },
  destination: { prepare: true },
} satisfies WantedMigration;
const LIMIT = 'bare 16 B → 4 KiB TCP round trip + local install, both p50';

export const demandFaultScenario: Scenario = {
  name: 'demand-fault',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 4,
  mostRepetitions: 3,
  warmUp: false,
  how: 'Post-copy with the active push held at 8 MiB/s, demand pages included. After the switchover the guest reads 500 pages in random order with 1 ms of sleep before each, then the others one after the other, of which 500 count. Each read is timed in the guest’s own thread, from before the fault to after it. The baseline adds two programs’ p50: 16 bytes out and 4 KiB back between two processes, TCP_NODELAY, with the same pauses, in the placement on cores that is fastest; and a minor fault that a thread of the same process resolves with UFFDIO_CONTINUE, in its fastest placement.',
  rows: [
    {
      key: 'demand-fault',
      title: 'Demand fault as the guest feels it, p50, one after the other',
      unit: 'µs',
      better: 'lower',
      baseline: LIMIT,
      target: { figure: 'ratio', atMost: 2 },
    },
    {
      key: 'demand-fault-p99',
      title: 'Demand fault as the guest feels it, p99, one after the other',
      unit: 'µs',
      better: 'lower',
      baseline: 'its own p50',
    },
    {
      key: 'demand-fault-paced',
      title: 'Demand fault with 1 ms between, p50',
      unit: 'µs',
      better: 'lower',
      baseline: LIMIT,
    },
  ],
  async sample(context) {
    const { signal } = context;
    const bare = await bareRoundTrip({ count: 2000, signal });
    const barePaced = await bareRoundTrip({ count: 200, pauseUs: PAUSE_MS * 1000, signal });
    const install = await runNative('local-install', ['--count', 2000], { signal });
    const { destination } = await migrateOnce(DEMAND_FAULTS, context);
    if (destination.touches === null) throw new Error('the guest has not timed its reads');
    const { paced, backToBack } = destination.touches;
    const { tookUs: pacedUs, ...pacedGuest } = paced;
    const { tookUs, ...guest } = backToBack;
    return {
      rows: {
        'demand-fault': {
          measured: guest.p50Us,
          baseline: bare.p50Us + install.p50Us,
          details: { guest, bare, install },
        },
        'demand-fault-p99': { measured: guest.p99Us, baseline: guest.p50Us },
        'demand-fault-paced': {
          measured: pacedGuest.p50Us,
          baseline: barePaced.p50Us + install.p50Us,
          details: { guest: pacedGuest, bare: barePaced },
        },
      },
      distributions: [
        {
          key: 'demand-fault',
          title: 'Demand faults as the guest feels them',
          unit: 'µs',
          series: [
            { label: 'one after the other', buckets: histogramOf(tookUs) },
            { label: '1 ms between', buckets: histogramOf(pacedUs) },
          ],
        },
      ],
    };
  },
};
