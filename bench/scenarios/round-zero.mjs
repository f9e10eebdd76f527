// How fast pages travel: round 0 beside a plain send/recv of as many random bytes.
import { runNative } from '../lib/native.mjs';
import { migrateOnce } from '../lib/pair.mjs';

const MEMORY_BYTES = 2 * 2 ** 30;

async function plainRate(congestion) {
  const { bytes, seconds } = await runNative(
    'tcp-stream',
    ...['--bytes', MEMORY_BYTES, '--congestion', congestion],
  );
  return bytes / seconds / 1e9;
}

async function roundZero() {
  const { report, source, destination } = await migrateOnce({
    guest: {
      kind: 'workload',
      options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
    },
    source: { strategy: 'pre-copy', verify: true },
    destination: { prefault: true },
  });
  const [round] = report.rounds;
  if (round.pages * 4096 !== MEMORY_BYTES || round.wireBytes < MEMORY_BYTES) {
    throw new Error(
      `round 0 sent ${round.pages} pages in ${round.wireBytes} bytes, not all in full`,
    );
  }
  return {
    rate: MEMORY_BYTES / (round.ms / 1000) / 1e9,
    details: {
      channels: report.channels,
      roundMs: round.ms,
      totalMs: report.totalMs,
      sourceCpuMs: source.cpuMs,
      destinationCpuMs: destination.cpuMs,
    },
  };
}

export const roundZeroScenario = {
  name: 'round-0',
  neededBytes: 2 * MEMORY_BYTES,
  how: 'Pre-copy of an idle guest, default channels. The destination populates the guest before the first page, and so does the baseline; both fill their source memory right before. A round ends when the destination has confirmed its last page, the baseline with a byte back. The order of the two alternates.',
  rows: [
    {
      key: 'round-0',
      title: 'Round 0 of 2 GiB of random pages, destination warm',
      unit: 'GB/s',
      baseline: 'plain send/recv, same congestion control (cubic)',
      target: { figure: 'ratio', atLeast: 0.7 },
    },
    {
      key: 'round-0-system-default',
      title: 'The same beside the system’s default congestion control',
      unit: 'GB/s',
      baseline: 'plain send/recv, default',
    },
  ],
  async sample(repetition) {
    const run = {
      ours: roundZero,
      cubic: () => plainRate('cubic'),
      other: () => plainRate('default'),
    };
    const order = repetition % 2 === 0 ? ['cubic', 'ours', 'other'] : ['other', 'ours', 'cubic'];
    const got = {};
    for (const name of order) got[name] = await run[name]();
    const { rate: measured, details } = got.ours;
    return {
      'round-0': { measured, baseline: got.cubic, details },
      'round-0-system-default': { measured, baseline: got.other },
    };
  },
};
