// The kernel's ways to send memory over a socket, beside plain send: whether one of them would be worth
// having.
import { runNative } from '../lib/native.js';
import type { Figure, Scenario } from '../lib/scenario.js';

const BYTES = 2 ** 30;
const METHODS = {
  zerocopy: 'MSG_ZEROCOPY',
  sendfile: 'sendfile from the memfd',
  io_uring: 'io_uring, four linked sends',
  'io_uring-zerocopy': 'io_uring, four linked zero-copy sends',
};

async function stream(method: string, signal: AbortSignal) {
  const args = ['--bytes', BYTES, '--congestion', 'cubic', '--method', method];
  const { bytes, seconds, senderCpuSeconds } = await runNative('tcp-stream', args, { signal });
  return { rate: bytes / seconds / 1e9, senderCpuSeconds };
}

export const sendMethodsScenario: Scenario = {
  name: 'send-methods',
  neededBytes: 2 * BYTES,
  sampleSeconds: 12,
  how: '1 GiB of random pages from one process into populated memory of another over loopback, in pieces of 1 MiB, cubic. Each method is measured right after a plain send. Loopback copies what MSG_ZEROCOPY hands over, so that only a real network card could gain by it.',
  rows: Object.entries(METHODS).map(([method, title]) => ({
    key: `send-${method}`,
    title: `Bulk copy by ${title}`,
    unit: 'GB/s',
    better: 'higher',
    baseline: 'plain send/recv',
  })),
  async sample({ signal }) {
    const rows: Record<string, Figure> = {};
    for (const method of Object.keys(METHODS)) {
      const plain = await stream('send', signal);
      const measured = await stream(method, signal);
      rows[`send-${method}`] = {
        measured: measured.rate,
        baseline: plain.rate,
        details: { measured, plain },
      };
    }
    return { rows };
  },
};
