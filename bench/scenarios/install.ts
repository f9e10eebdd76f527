// The ways by which post-copy can give the guest a page, beside memcpy of the same bytes.
import { type NativeAnswer, runNative } from '../lib/native.js';
import type { Figure, Scenario } from '../lib/scenario.js';

const MEMORY_BYTES = 256 * 2 ** 20;

const PATHS = {
  copy: 'UFFDIO_COPY into private memory',
  zero: 'UFFDIO_ZEROPAGE in private memory',
  continueFresh: 'engine write + UFFDIO_CONTINUE, fresh shared memory',
  continue: 'engine write + UFFDIO_CONTINUE, populated shared memory',
  memcpyFresh: 'memcpy into fresh private memory, no userfaultfd',
} as const;
const WAYS = {
  pages: { title: 'page by page', unit: 'µs a page', better: 'lower', figure: 'perPageUs' },
  runs: { title: 'runs of 1 MiB', unit: 'GB/s', better: 'higher', figure: 'gbPerSecond' },
} as const;
type Path = keyof typeof PATHS;
type Way = keyof typeof WAYS;

const rows = (Object.keys(WAYS) as Way[]).flatMap((way) =>
  (Object.keys(PATHS) as Path[]).map((path) => ({ key: `install-${way}-${path}`, way, path })),
);

function figureOf(way: Way, path: Path, sample: NativeAnswer<'install-bench'>): Figure {
  if ('skipped' in sample) return sample;
  const name = WAYS[way].figure;
  const details = sample[way][path];
  return { measured: details[name], baseline: sample[way].memcpy[name], details };
}

export const installScenario: Scenario = {
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
    const figures = rows.map(({ key, way, path }) => [key, figureOf(way, path, sample)]);
    return { rows: Object.fromEntries(figures) };
  },
};
