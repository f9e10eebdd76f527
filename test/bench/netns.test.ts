import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { migrateOnce } from '#bench/lib/pair.js';
import { GIGABIT, secondsOnTheWire } from '#bench/links/gigabit.js';
import { openLink } from '#bench/links/index.js';
import { namespacesObstacle } from '#bench/links/netns.js';
import { atEnd } from '../support/at-end.js';
import { rejection } from '../support/until.js';

const MEMORY_BYTES = 32 * 2 ** 20;
const RATE = 40_000_000;
/** What a token bucket lets through at once. */
const MOST_BURST_BYTES = 2 ** 20;

const obstacle = namespacesObstacle({ rateBytesPerSecond: RATE });
const skipped = obstacle === null ? '' : ` (skipped: ${obstacle})`;

const GUEST = {
  kind: 'workload',
  options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
} as const;

function namespacesOf(pid: number | undefined): string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.startsWith(`pageferry-bench-${pid}-`));
  } catch {
    return [];
  }
}

/** A process that opens such a link, and then does what `next` says. */
async function startOwner(next: string) {
  const bench = new URL('../../dist/bench/links/index.js', import.meta.url);
  const script = `
    const { openLink } = await import(${JSON.stringify(bench.href)});
    await openLink({ kind: 'netns', rateBytesPerSecond: null });
    console.log('open');
    ${next}`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const gone = once(owner, 'exit');
  atEnd(() => {
    owner.kill('SIGKILL');
  });
  await once(owner.stdout, 'data');
  return { owner, gone };
}

async function openAndClose(): Promise<void> {
  const link = await openLink({ kind: 'netns', rateBytesPerSecond: null });
  await link.close();
}

describe.skipIf(obstacle !== null)(`the link of two network namespaces${skipped}`, () => {
  it('carries a migration, no faster than its rate, and is gone afterwards', async () => {
    const { report } = await migrateOnce(
      { guest: GUEST, source: { strategy: 'pre-copy' } },
      { link: { kind: 'netns', rateBytesPerSecond: RATE } },
    );
    expect(report).toMatchObject({ outcome: 'completed', guestVerified: true });
    const leastMs = ((MEMORY_BYTES - MOST_BURST_BYTES) / RATE) * 1000;
    expect(report.totalMs).toBeGreaterThan(leastMs);
    expect(namespacesOf(process.pid)).toEqual([]);
  });

  it('of 1 Gbit/s carries bytes in no less time than they take with the headers of their frames', async () => {
    const memoryBytes = 128 * 2 ** 20;
    const guest = { ...GUEST, options: { ...GUEST.options, memoryBytes } };
    const { report } = await migrateOnce(
      { guest, source: { strategy: 'pre-copy' } },
      { link: GIGABIT },
    );
    const burst = MOST_BURST_BYTES / GIGABIT.rateBytesPerSecond;
    const leastSeconds = secondsOnTheWire(report.wireBytes) - burst;
    // The headers are what this is about: they must be more than what passes at once.
    expect(leastSeconds).toBeGreaterThan(report.wireBytes / GIGABIT.rateBytesPerSecond);
    expect(report.totalMs / 1000).toBeGreaterThan(leastSeconds);
  });

  it('is gone after a migration that was aborted midway', async () => {
    const controller = new AbortController();
    let during: string[] = [];
    const migrating = migrateOnce(
      {
        guest: GUEST,
        source: { strategy: 'pre-copy' },
        onPhase(phase) {
          if (phase !== 'copy-rounds') return;
          during = namespacesOf(process.pid);
          controller.abort(new Error('that is enough'));
        },
      },
      { link: { kind: 'netns', rateBytesPerSecond: RATE }, signal: controller.signal },
    );
    expect(await rejection(migrating)).toMatchObject({ message: 'that is enough' });
    expect(during).toHaveLength(3);
    expect(namespacesOf(process.pid)).toEqual([]);
  });

  it('is gone when it could not be opened', async () => {
    const opening = openLink({ kind: 'netns', rateBytesPerSecond: Number.NaN });
    expect(await rejection(opening)).toMatchObject({ message: expect.stringContaining('tc ') });
    expect(namespacesOf(process.pid)).toEqual([]);
  });

  it('is gone when its process exits without closing it', async () => {
    const { owner, gone } = await startOwner('process.exit(0);');
    await gone;
    expect(namespacesOf(owner.pid)).toEqual([]);
  });

  it('is removed by the next one when its process was killed, and left alone while it lives', async () => {
    const idle = 'setInterval(() => {}, 1000);';
    const { owner: killed, gone } = await startOwner(idle);
    const { owner: living } = await startOwner(idle);
    killed.kill('SIGKILL');
    await gone;
    expect(namespacesOf(killed.pid)).toHaveLength(2);
    await openAndClose();
    expect(namespacesOf(killed.pid)).toEqual([]);
    expect(namespacesOf(living.pid)).toHaveLength(2);
    living.kill('SIGKILL');
    await once(living, 'exit');
    await openAndClose();
    expect(namespacesOf(living.pid)).toEqual([]);
  });
});
