// What the engine itself occupies while it moves a guest.
import { readPrivateBytes } from '../lib/memory-use.mjs';
import { migrateOnce } from '../lib/pair.mjs';

const MEMORY_BYTES = 2 * 2 ** 30;
const SAMPLE_MS = 5;
const MIB = 2 ** 20;

/** Remembers the highest use of both processes from the first phase to the last. */
class Peaks {
  bytes = { source: 0, destination: 0 };
  beforeBytes = { source: 0, destination: 0 };
  #pids;
  #timer;

  onPhase(pids) {
    if (this.#timer !== undefined) return;
    this.#pids = pids;
    this.#read();
    this.beforeBytes = { ...this.bytes };
    this.#timer = setInterval(() => this.#read(), SAMPLE_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  #read() {
    for (const side of ['source', 'destination']) {
      try {
        const now = readPrivateBytes(this.#pids[side]);
        this.bytes[side] = Math.max(this.bytes[side], now);
      } catch {
        // The process has ended.
      }
    }
  }
}

async function measure(strategy, { signal, link }) {
  const peaks = new Peaks();
  try {
    const { report, source, destination } = await migrateOnce({
      guest: {
        kind: 'workload',
        options: {
          workload: 'uniform',
          memoryBytes: MEMORY_BYTES,
          writesPerSecond: 20_000,
          fill: { kind: 'random' },
        },
      },
      source: { strategy },
      signal,
      link,
      onPhase: (_phase, pids) => peaks.onPhase(pids),
    });
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

function row(key, title) {
  return { key, title, unit: 'MiB', better: 'lower', target: { figure: 'measured', atMost: 100 } };
}

export const engineMemoryScenario = {
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
    const peak = (side) => Math.max(...Object.values(runs).map((run) => run[side])) / MIB;
    return {
      rows: {
        'engine-memory-source': { measured: peak('sourceBytes'), details: runs },
        'engine-memory-destination': { measured: peak('destinationBytes') },
      },
    };
  },
};
