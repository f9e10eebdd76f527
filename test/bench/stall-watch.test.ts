import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNative } from '#bench/lib/native.js';
import { migrateOnce } from '#bench/lib/pair.js';
import { watchStalls } from '#bench/lib/stall-watch.js';
import { ends } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';
import { rejection } from '../support/until.js';

const BUILD_TIMEOUT_MS = 120_000;
const STOPPED_MS = 60;

const output = v.strictObject({
  stalls: v.array(
    v.strictObject({
      core: v.pipe(v.number(), v.integer(), v.minValue(0)),
      atMs: v.number(),
      ms: v.pipe(v.number(), v.minValue(3)),
    }),
  ),
});

/** Stands for the host: no thread of the watch runs for so long. */
async function standStill(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await sleep(STOPPED_MS);
  process.kill(pid, 'SIGCONT');
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Of each thread but the first, the cores that it may run on. */
function coresOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
    .filter((thread) => Number(thread) !== pid)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))
    .map((status) => /^Cpus_allowed_list:\s+(.*)$/m.exec(status)?.[1] ?? '');
}

/** The watch that this process has started; 0 when there is none. */
function findWatch(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const isWatch = (pid: number) =>
    readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'stall-watch';
  return children.trim().split(' ').filter(Boolean).map(Number).find(isWatch) ?? 0;
}

/** Why it cannot watch here, or undefined. */
let obstacle: string | undefined;

// The first use builds it.
beforeAll(async () => {
  const child = spawn(buildNative('stall-watch'), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  if (line !== 'watching') obstacle = JSON.parse(line).skipped;
}, BUILD_TIMEOUT_MS);

describe('the program that watches for stalls', () => {
  it('has a thread on every core, ends when its input does, and tells when each stood still', async (context) => {
    if (obstacle !== undefined) return context.skip(obstacle);
    const startedMs = monotonicMs();
    const child = spawn(buildNative('stall-watch'), { stdio: ['pipe', 'pipe', 'inherit'] });
    atEnd(() => {
      child.kill('SIGKILL');
    });
    const gone = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('watching');
    const pid = child.pid ?? 0;
    const cores = coresOf(pid);
    expect(new Set(cores).size).toBe(availableParallelism());
    const stoppingMs = monotonicMs();
    await standStill(pid);
    await sleep(10);
    child.stdin.end();
    const { stalls } = v.parse(output, JSON.parse((await lines.next()).value ?? ''));
    expect(await gone).toEqual([0, null]);
    expect(stalls.map(({ atMs }) => atMs)).toEqual(
      stalls.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
    const long = stalls.filter(({ ms }) => ms > STOPPED_MS - 5);
    expect(long.map(({ core }) => `${core}`).sort()).toEqual([...cores].sort());
    for (const { atMs, ms } of long) {
      // A core that stood still already when it was stopped began earlier.
      expect(atMs).toBeGreaterThanOrEqual(startedMs);
      expect(atMs + ms).toBeGreaterThan(stoppingMs + STOPPED_MS - 5);
      expect(atMs + ms).toBeLessThan(monotonicMs());
    }
  });
});

describe('the watch for stalls', () => {
  it('answers null where it is not permitted, and else what it saw', async () => {
    const { answer, stalls } = await watchStalls(async () => 'done');
    expect(answer).toBe('done');
    if (obstacle === undefined) v.parse(output, { stalls });
    else expect(stalls).toBeNull();
  });

  it('is gone when what it watches fails', async (context) => {
    if (obstacle !== undefined) return context.skip(obstacle);
    let pid = 0;
    const watching = watchStalls(async () => {
      pid = findWatch();
      throw new Error('it failed');
    });
    expect(await rejection(watching)).toMatchObject({ message: 'it failed' });
    expect(pid).toBeGreaterThan(0);
    expect(await ends(pid)).toBe(true);
  });

  it('is part of a time line, on the clock of the migration', async (context) => {
    if (obstacle !== undefined) return context.skip(obstacle);
    let standing: Promise<void> | undefined;
    const { report, timeline } = await migrateOnce({
      guest: {
        kind: 'workload',
        options: { workload: 'idle', memoryBytes: 32 * 2 ** 20, fill: { kind: 'random' } },
      },
      source: { strategy: 'pre-copy', bandwidthBytesPerSecond: 100_000_000 },
      timeline: true,
      onPhase(phase) {
        if (phase === 'copy-rounds') standing = standStill(findWatch());
      },
    });
    await standing;
    const long = timeline?.stalls?.filter(({ ms }) => ms > STOPPED_MS - 5) ?? [];
    expect(long).toHaveLength(availableParallelism());
    for (const { atMs, ms } of long) {
      expect(atMs).toBeGreaterThan(0);
      expect(atMs + ms).toBeLessThan(report.totalMs);
    }
    expect(findWatch()).toBe(0);
  });
});
