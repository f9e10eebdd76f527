// What dirty tracking costs the guest, and what finding its writes costs the engine.
import { runNative } from '../lib/native.js';
import type { Scenario, Skipped } from '../lib/scenario.js';

const MEMORY_BYTES = 2 ** 30;
const WRITES = 20_000;
const TRACKER = 'uffd-wp-async';

export const trackerScenario: Scenario = {
  name: 'tracker',
  neededBytes: MEMORY_BYTES,
  how: 'A native program on 1 GiB of shared guest memory, warm and mapped: 20,000 first writes to pages in random order (mean of one), and the median of nine harvests that find nothing. The minor faults are writes to the same pages after their page table entries were dropped one by one.',
  rows: [
    {
      key: 'tracked-first-write',
      title: 'First write to a page tracked by uffd-wp-async',
      unit: 'µs',
      better: 'lower',
      baseline: 'a minor fault on the same pages',
      target: { figure: 'measured', atMost: 1.5 },
    },
    {
      key: 'clean-harvest',
      title: 'Harvest of a clean GiB, uffd-wp-async',
      unit: 'ms',
      better: 'lower',
      target: { figure: 'measured', atMost: 2 },
    },
  ],
  async sample({ signal }) {
    const args = ['--bytes', MEMORY_BYTES, '--writes', WRITES, '--trackers', TRACKER];
    const details = await runNative('tracker-bench', args, { signal });
    const figures = details.trackers[TRACKER];
    if (figures === undefined) throw new Error(`there are no figures of ${TRACKER}`);
    const allSkipped = (why: Skipped) => ({
      rows: { 'tracked-first-write': why, 'clean-harvest': why },
    });
    if ('skipped' in figures) return allSkipped(figures);
    const { scattered, cleanHarvestMs } = figures;
    if ('skipped' in scattered) return allSkipped(scattered);
    const { minorFaultUs } = details;
    return {
      rows: {
        'tracked-first-write': {
          measured: scattered.firstWriteUs,
          baseline: minorFaultUs,
          details,
        },
        'clean-harvest': { measured: cleanHarvestMs },
      },
    };
  },
};
