// What a demand fault costs the guest, beside the bare round trip of a request and a page.
import { migrateOnce } from '../lib/pair.mjs';
import { bareRoundTrip } from '../lib/round-trip.mjs';

const MEMORY_BYTES = 128 * 2 ** 20;
const TOUCHES = 2000;
const PAUSE_MS = 1;
const PUSH_BYTES_PER_SECOND = 8 << 20;

export const demandFaultScenario = {
  name: 'demand-fault',
  neededBytes: 2 * MEMORY_BYTES,
  how: 'Post-copy with the active push held at 8 MiB/s, demand pages included. After the switchover the guest reads 2,000 pages in random order one after the other, and 2,000 with 1 ms of sleep before each. Each read is timed in the guest’s own thread, from before the fault to after it. The baseline is 16 bytes out and 4 KiB back between two processes, TCP_NODELAY, with the same pauses, in the placement on cores that is fastest. With pauses every thread on the way has to be woken.',
  rows: [
    {
      key: 'demand-fault',
      title: 'Demand fault as the guest feels it, p50, one after the other',
      unit: 'µs',
      baseline: 'bare 16 B → 4 KiB TCP round trip, p50',
      target: { figure: 'ratio', atMost: 4 },
    },
    {
      key: 'demand-fault-paced',
      title: 'The same with 1 ms between faults',
      unit: 'µs',
      baseline: 'the same round trip with 1 ms between',
      target: { figure: 'ratio', atMost: 4 },
    },
    {
      key: 'demand-fault-engine',
      title: 'Request sent → page in place, p50 of all demand faults (the report’s faultLatencyUs)',
      unit: 'µs',
      baseline: 'bare 16 B → 4 KiB TCP round trip, p50',
      target: { figure: 'ratio', atMost: 4 },
    },
  ],
  async sample() {
    const bare = await bareRoundTrip({ count: 10_000 });
    const barePaced = await bareRoundTrip({ count: TOUCHES, pauseUs: PAUSE_MS * 1000 });
    const { report, destination } = await migrateOnce({
      guest: { kind: 'touch', memoryBytes: MEMORY_BYTES, touches: TOUCHES, pauseMs: PAUSE_MS },
      source: { strategy: 'post-copy', bandwidthBytesPerSecond: PUSH_BYTES_PER_SECOND },
      destination: { prefault: true },
    });
    const { paced, backToBack } = destination.touches;
    const { faultLatencyUs, demandFaults, demandFaultsOverNetwork } = report;
    return {
      'demand-fault': {
        measured: backToBack.p50Us,
        baseline: bare.p50Us,
        details: { guest: backToBack, bare, demandFaults, demandFaultsOverNetwork },
      },
      'demand-fault-paced': {
        measured: paced.p50Us,
        baseline: barePaced.p50Us,
        details: { guest: paced, bare: barePaced },
      },
      'demand-fault-engine': {
        measured: faultLatencyUs.p50,
        baseline: bare.p50Us,
        details: { faultLatencyUs },
      },
    };
  },
};
