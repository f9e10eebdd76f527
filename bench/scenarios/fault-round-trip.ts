// What a demand fault costs a guest thread when nothing else goes on: the engine's own fault handler and
// page server, and no agent around them.
import { histogramOf } from '../lib/histogram.js';
import { type NativeAnswer, runNative } from '../lib/native.js';
import { bareRoundTrip } from '../lib/round-trip.js';
import type { Figure, Scenario, ScenarioRow } from '../lib/scenario.js';

const MEMORY_BYTES = 128 * 2 ** 20;
const TOUCHES = 10_000;
const THREADS = [1, 2, 4];
const LIMIT = 'bare 16 B → 4 KiB TCP round trip + local install, both p50';

type Measured = Exclude<NativeAnswer<'fault-bench'>, { readonly skipped: string }>;

function threadsText(threads: number): string {
  return threads === 1 ? '1 faulting thread' : `${threads} faulting threads`;
}

function keys(threads: number) {
  const stem = `fault-${threads}-threads`;
  return { p50: `${stem}-p50`, p99: `${stem}-p99`, rate: `${stem}-rate` };
}

function rowsOf(threads: number): ScenarioRow[] {
  const title = threadsText(threads);
  const key = keys(threads);
  return [
    {
      key: key.p50,
      title: `Demand fault, p50, ${title}`,
      unit: 'µs',
      better: 'lower',
      baseline: LIMIT,
    },
    {
      key: key.p99,
      title: `Demand fault, p99, ${title}`,
      unit: 'µs',
      better: 'lower',
      baseline: 'its own p50',
    },
    {
      key: key.rate,
      title: `Demand pages of all threads together, ${title}`,
      unit: 'pages/s',
      better: 'higher',
      baseline: 'one thread at that limit',
    },
  ];
}

function figuresOf(
  threads: number,
  { tookUs, ...sample }: Measured,
  limit: { readonly us: number },
): Record<string, Figure> {
  const key = keys(threads);
  return {
    [key.p50]: {
      measured: sample.p50Us,
      baseline: limit.us,
      details: { ...sample, limit },
    },
    [key.p99]: { measured: sample.p99Us, baseline: sample.p50Us },
    [key.rate]: { measured: sample.pagesPerSecond, baseline: 1e6 / limit.us },
  };
}

async function measureLimit(signal: AbortSignal) {
  const bare = await bareRoundTrip({ count: 5000, signal });
  const install = await runNative('local-install', ['--count', 3000], { signal });
  return { us: bare.p50Us + install.p50Us, bare, install };
}

async function measureFaults(threads: number, signal: AbortSignal) {
  const args = ['--bytes', MEMORY_BYTES, '--touches', TOUCHES, '--threads', threads];
  return runNative('fault-bench', args, { signal });
}

export const faultRoundTripScenario: Scenario = {
  name: 'fault-round-trip',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 4,
  how: 'Two processes joined by one TCP connection over loopback: one serves pages with the engine’s page server, in the other native guest threads touch 10,000 missing pages of 128 MiB in random order, one after the other, and the engine’s fault handler gets them. No active push. Each touch is timed in its own thread, from before the fault to after it. Where the threads run is left to the scheduler. The limit adds two programs’ p50: 16 bytes out and 4 KiB back between two processes, and a minor fault that a thread of the same process resolves with UFFDIO_CONTINUE, each in the placement on cores that is fastest.',
  rows: THREADS.flatMap(rowsOf),
  async sample({ signal }) {
    const samples: { readonly threads: number; readonly sample: Measured }[] = [];
    for (const threads of THREADS) {
      const sample = await measureFaults(threads, signal);
      if ('skipped' in sample) {
        const rows = THREADS.flatMap(rowsOf).map(({ key }) => [key, sample] as const);
        return { rows: Object.fromEntries(rows) };
      }
      samples.push({ threads, sample });
    }
    const limit = await measureLimit(signal);
    const figures = samples.map(({ threads, sample }) => figuresOf(threads, sample, limit));
    return {
      rows: Object.assign({}, ...figures),
      distributions: [
        {
          key: 'fault-round-trip',
          title: 'Demand faults as guest threads feel them, nothing else going on',
          unit: 'µs',
          series: samples.map(({ threads, sample }) => ({
            label: threadsText(threads),
            buckets: histogramOf(sample.tookUs),
          })),
        },
      ],
    };
  },
};
