/** Guests that write what a real server wrote. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ends, Pageferry } from '../cli/pageferry.js';
import { traceFile } from '../support/traces.js';
import { until } from '../support/until.js';
import { descendants, newFolder, readResult } from './bench-command.js';

const ONE = ['redis', '--only', 'redis-hybrid', '--repetitions', '1'];
const PROGRAMS = ['redis-server', 'redis-benchmark'];

function isInstalled(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** A run whose traces are kept in a folder of its own. */
function run(cache: string, environment: NodeJS.ProcessEnv = {}) {
  const out = newFolder();
  const result = join(out, 'result.json');
  const bench = new Pageferry(['bench', ...ONE, '--json', result], {
    XDG_CACHE_HOME: cache,
    ...environment,
  });
  return { bench, result };
}

function tracesIn(cache: string): string[] {
  const folder = join(cache, 'pageferry', 'traces');
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A run in the middle of recording, and its processes, the server among them. */
async function recording(cache: string) {
  const { bench } = run(cache);
  await until('a trace is begun', () => tracesIn(cache).length > 0);
  const processes = descendants(bench.pid);
  expect(processes.map(commandOf)).toContain('redis-server');
  return { bench, processes };
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

describe('the suite redis', () => {
  it('says in its rows what to install where there is no redis', async () => {
    const cache = newFolder();
    const { bench, result } = run(cache, { PATH: newFolder() });
    const { code } = await bench.ended;
    const reason = expect.stringMatching(/^redis-server is not installed: apt-get install .*redis/);
    const { rows } = readResult(result);
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row).toMatchObject({ status: 'skipped', reason });
    expect(tracesIn(cache)).toEqual([]);
    expect(code).toBe(0);
  });

  it('replays the trace that an earlier run has kept, and needs no redis for that', async () => {
    const cache = newFolder();
    const kept = join(cache, 'pageferry', 'traces', 'redis.trace');
    mkdirSync(join(kept, '..'), { recursive: true });
    const intervals = [0, 64, 128].map((first) => ({
      durationUs: 20_000,
      pages: 4096,
      runs: [first, 64],
    }));
    renameSync(await traceFile(intervals), kept);
    const { bench, result } = run(cache, { PATH: newFolder() });
    const { code } = await bench.ended;
    expect(code).toBe(0);
    const [migration] = readResult(result).migrations;
    expect(migration).toMatchObject({
      parameters: { strategy: 'hybrid', workload: `trace:${kept}` },
      told: { guest: { options: { workload: { kind: 'trace', path: kept } } } },
    });
    // As many pages as the trace, and what the trace itself takes.
    expect(migration?.parameters.memoryBytes).toBeGreaterThanOrEqual(4096 * 4096);
    expect(migration?.parameters.memoryBytes).toBeLessThan(4200 * 4096);
  });

  it.skipIf(!PROGRAMS.every(isInstalled)).each(['SIGINT', 'SIGKILL'] as const)(
    'leaves neither a server nor a part of a trace behind when it is ended by %s while it records',
    async (signal) => {
      const cache = newFolder();
      const { bench, processes } = await recording(cache);
      // The program that runs the bench, which has no time to tell anybody.
      if (signal === 'SIGKILL') process.kill(descendants(bench.pid)[0] ?? 0, signal);
      bench.signal(signal);
      await bench.ended;
      for (const pid of processes) expect(await ends(pid)).toBe(true);
      expect(tracesIn(cache)).toEqual([]);
    },
  );
});
