// What the engine itself occupies while it moves a guest.
import { readPrivateBytes } from '../lib/memory-use.js';
import { migrateOnce, type Pids } from '../lib/pair.js';
import type { SampleContext, Scenario, ScenarioRow } from '../lib/scenario.js';

const MEMORY_BYTES = 2 * 2 ** 30;
const SAMPLE_MS = 5;
const OBSERVE_MS = 50;
const MIB = 2 ** 20;

/** Remembers the highest use of both processes from the first phase to the last. */
class Peaks {
  bytes = { source: 0, destination: 0 };
  beforeBytes = { source: 0, destination: 0 };
  #timer: NodeJS.Timeout | undefined;

  onPhase(pids: Pids): void {
    if (this.#timer !== undefined) return;
    this.#read(pids);
    this.beforeBytes = { ...this.bytes };
    this.#timer = setInterval(() => this.#read(pids), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(pids: Pids): void {
    for (const side of ['source', 'destination'] as const) {
      const pid = pids[side];
      if (pid === undefined) continue;
      try {
        const now = readPrivateBytes(pid);
        this.bytes[side] = Math.max(this.bytes[side], now);
      } catch {
        // The process has ended.
      }
    }
  }
}

async function measure(strategy: 'pre-copy' | 'post-copy', context: SampleContext) {
  const peaks = new Peaks();
  try {
    const { report, source, destination } = await migrateOnce(
      {
        guest: {
          kind: 'workload',
          options: {
            workload: 'uniform',
            memoryBytes: MEMORY_BYTES,
            writesPerSecond: 20_000,
            fill: { kind: 'random' },
          },
        },
        // Watched for a moment afterwards: by then it is known here that the guest will be compared, which takes memory.
        source: { strategy, observeMs: OBSERVE_MS },
        onPhase: (phase, pids) => (phase === 'verify' ? peaks.stop() : peaks.onPhase(pids)),
      },
      context,
    );
    return {
      // The exact reading at the end counts too: the sampler could have missed a peak just then.
      sourceBytes: Math.max(peaks.bytes.source, source.memory.engineBytes),
      destinationBytes: Math.max(peaks.bytes.destination, destination.memory.engineBytes),
      beforeBytes: peaks.beforeBytes,
      atEnd: { source: source.memory, destination: destination.memory },
      totalMs: report.totalMs,
    };
  } finally {
    peaks.stop();
  }
}

function row(key: string, title: string): ScenarioRow {
  return { key, title, unit: 'MiB', better: 'lower', target: { figure: 'measured', atMost: 100 } };
}

export const engineMemoryScenario: Scenario = {
  name: 'engine-memory',
  neededBytes: 2 * MEMORY_BYTES + 2 ** 30,
  mostRepetitions: 2,
  warmUp: false,
  sampleSeconds: 8,
  how: 'Peak resident memory of each process, Node.js and its code included and the guest’s memfd excluded, read every 5 ms from the first phase of the migration to its end. The guest has 2 GiB of random pages and writes 20,000 pages a second. The larger of pre-copy and post-copy counts.',
  rows: [
    row('engine-memory-source', 'Engine memory, source of a 2 GiB guest, peak'),
    row('engine-memory-destination', 'Engine memory, destination of a 2 GiB guest, peak'),
  ],
  async sample(context) {
    const runs = {
      'pre-copy': await measure('pre-copy', context),
      'post-copy': await measure('post-copy', context),
    };
    const peak = (side: 'sourceBytes' | 'destinationBytes') =>
      Math.max(...Object.values(runs).map((run) => run[side])) / MIB;
    return {
      rows: {
        'engine-memory-source': { measured: peak('sourceBytes'), details: runs },
        'engine-memory-destination': { measured: peak('destinationBytes') },
      },
    };
  },
};
