// The ways by which post-copy can give the guest a page, beside memcpy of the same bytes.
import { runNative } from '../lib/native.mjs';

const MEMORY_BYTES = 256 * 2 ** 20;

const PATHS = {
  copy: 'UFFDIO_COPY into private memory',
  zero: 'UFFDIO_ZEROPAGE in private memory',
  continueFresh: 'engine write + UFFDIO_CONTINUE, fresh shared memory',
  continue: 'engine write + UFFDIO_CONTINUE, populated shared memory',
  memcpyFresh: 'memcpy into fresh private memory, no userfaultfd',
};
const WAYS = {
  pages: { title: 'page by page', unit: 'µs a page', better: 'lower', figure: 'perPageUs' },
  runs: { title: 'runs of 1 MiB', unit: 'GB/s', better: 'higher', figure: 'gbPerSecond' },
};

const rows = Object.keys(WAYS).flatMap((way) =>
  Object.keys(PATHS).map((path) => ({ key: `install-${way}-${path}`, way, path })),
);

export const installScenario = {
  name: 'install',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 2,
  how: 'A native program installs 256 MiB into a guest mapping, by one thread while nobody waits, and compares every byte afterwards. Beside each path: memcpy of the same bytes in the same steps into populated private memory.',
  rows: rows.map(({ key, way, path }) => ({
    key,
    title: `${PATHS[path]}, ${WAYS[way].title}`,
    unit: WAYS[way].unit,
    better: WAYS[way].better,
    baseline: 'memcpy into populated memory',
  })),
  async sample({ signal }) {
    const sample = await runNative('install-bench', ['--bytes', MEMORY_BYTES], { signal });
    const figure = ({ way, path }) => {
      if (sample.skipped !== undefined) return { skipped: sample.skipped };
      const name = WAYS[way].figure;
      return {
        measured: sample[way][path][name],
        baseline: sample[way].memcpy[name],
        details: sample[way][path],
      };
    };
    return { rows: Object.fromEntries(rows.map((row) => [row.key, figure(row)])) };
  },
};
