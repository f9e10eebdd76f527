import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ends, isAlive, Pageferry, pageferry } from './pageferry.js';
import {
  COMPLETED_REPORT,
  PRE_COPY,
  type ReportsDocument,
  ROUND,
  VERSIONS,
} from './report-shape.js';

const SMALL = ['--memory', '64MiB', '--observe', '50ms', '--write-rate', '20000'];
/** Slow enough that something can be done to it between the rounds, or during active push. */
const SLOW = [
  ...['--memory', '64MiB', '--fill', 'random', '--observe', '0', '--bandwidth', '16MiB/s'],
  // Leaves the cores to the tests beside it while it moves slowly.
  ...['--write-rate', '2000'],
];
const STARTED = { 'pre-copy': /round 0: /, 'post-copy': /active push/ };
/** Demand faults are not held up by the rate limit: only an idle guest's push takes its time. */
const WORKLOAD = { 'pre-copy': 'uniform', 'post-copy': 'idle' };

/** A demo that copies or pushes, and its two processes. */
async function slowDemo(strategy: keyof typeof STARTED) {
  const how = ['--strategy', strategy, '--workload', WORKLOAD[strategy]];
  const demo = new Pageferry(['demo', ...SLOW, ...how, '--json', '-']);
  const [, source] = await demo.says(/Source\s+process (\d+)/);
  const [, destination] = await demo.says(/Destination\s+process (\d+)/);
  await demo.says(STARTED[strategy]);
  return { demo, source: Number(source), destination: Number(destination) };
}

/** As soon as it has so many. */
async function childrenOf(pid: number, count: number): Promise<number[]> {
  for (;;) {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const children = text.split(' ').filter((word) => word !== '');
    if (children.length >= count) return children.map(Number);
    await sleep(1);
  }
}

describe('pageferry demo', () => {
  it('migrates by each strategy, verifies every page, and prints a document of all figures', async () => {
    const { code, stdout, stderr } = await pageferry('demo', ...SMALL, '--json', '-');
    expect(stderr).not.toContain('pageferry:');
    const document = JSON.parse(stdout) as ReportsDocument;
    expect(document.version).toBe(1);
    expect(document.migrations.map(({ strategy }) => strategy)).toEqual([
      'stop-and-copy',
      'pre-copy',
      'post-copy',
      'hybrid',
    ]);
    for (const { rounds, tracker, preCopy, versions, ...rest } of document.migrations) {
      expect(rest).toEqual(COMPLETED_REPORT);
      expect(preCopy).toEqual(rest.strategy === 'pre-copy' ? PRE_COPY : null);
      if (rest.strategy !== 'pre-copy') expect(versions).toBeNull();
      // Whether it has time to keep any depends on the load.
      else if (versions !== null) expect(versions).toEqual(VERSIONS);
      for (const round of rounds) expect(round).toEqual(ROUND);
      if (rounds.length === 0) expect(tracker).toBeNull();
      else expect(tracker).toMatch(/^(uffd-wp-async|uffd-wp-sync|mprotect)$/);
    }
    expect(stderr).toContain('longest gap');
    expect(code).toBe(0);
  });

  it('moves the guest of the README by each strategy in less than a minute', async () => {
    const { code, stdout } = await pageferry('demo');
    expect(stdout.match(/: verified: longest gap/g)).toHaveLength(4);
    expect(code).toBe(0);
  });

  it('migrates a guest that runs on lz4 pages through two channels from several threads', async () => {
    const options = [
      '--compression',
      'lz4',
      '--channels',
      '2',
      '--threads',
      '3',
      '--workload',
      'uniform',
    ];
    const { code, stdout } = await pageferry('demo', ...SMALL, ...options, '--strategy', 'hybrid');
    expect(stdout).toContain('hybrid: verified');
    expect(code).toBe(0);
  });

  it('Ctrl-C cancels the migration, leaves the guest unharmed and no process behind', async () => {
    const { demo, source, destination } = await slowDemo('pre-copy');
    demo.signal('SIGINT');
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toMatch(
      /^pageferry: CANCELLED: .* all 16384 of its pages are as they must be$/m,
    );
    expect(JSON.parse(stdout).migrations).toMatchObject([
      { outcome: 'cancelled', guestLocation: 'source', guestVerified: true },
    ]);
    expect(code).toBe(1);
    expect([source, destination].filter(isAlive)).toEqual([]);
  });

  it('Ctrl-C of a terminal while the two processes start cancels, however far they are', async () => {
    const demo = new Pageferry(['demo', '--json', '-']);
    const both = await childrenOf(demo.pid, 2);
    for (const pid of [...both, demo.pid]) process.kill(pid, 'SIGINT');
    const { code, stderr } = await demo.ended;
    expect(stderr).toMatch(/^pageferry: CANCELLED: [^\n]+$/m);
    expect(stderr).not.toContain('PEER_GONE');
    expect(code).toBe(1);
    expect(both.filter(isAlive)).toEqual([]);
  });

  it('Ctrl-C while the guest is being made ends at once', async () => {
    const demo = new Pageferry(['demo', '--memory', '1GiB', '--fill', 'random', '--json', '-']);
    await demo.says(/preparing the guest/);
    demo.signal('SIGINT');
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toMatch(/^pageferry: CANCELLED: [^\n]+$/m);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1 });
    expect(code).toBe(1);
  });

  it('Ctrl-C after the commit point lets the migration finish', async () => {
    const { demo } = await slowDemo('post-copy');
    demo.signal('SIGINT');
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toContain('too late to cancel');
    expect(JSON.parse(stdout).migrations).toMatchObject([
      { outcome: 'completed', guestVerified: true },
    ]);
    expect(code).toBe(0);
  });

  it('a second Ctrl-C ends everything at once', async () => {
    const { demo, source, destination } = await slowDemo('post-copy');
    demo.signal('SIGINT');
    await demo.says(/too late to cancel/);
    demo.signal('SIGINT');
    expect((await demo.ended).code).toBe(1);
    expect(await ends(source)).toBe(true);
    expect(await ends(destination)).toBe(true);
  });

  it.each(['pre-copy', 'post-copy'] as const)(
    'both processes end when the demo is killed during %s',
    async (strategy) => {
      const { demo, source, destination } = await slowDemo(strategy);
      demo.signal('SIGKILL');
      await demo.ended;
      expect(await ends(source)).toBe(true);
      expect(await ends(destination)).toBe(true);
    },
  );

  it('a destination process that dies leaves the guest on the source, unharmed', async () => {
    const { demo, source, destination } = await slowDemo('pre-copy');
    process.kill(destination, 'SIGKILL');
    const { code, stdout, stderr } = await demo.ended;
    expect(stderr).toMatch(/^pageferry: PEER_GONE: /m);
    expect(JSON.parse(stdout).migrations).toMatchObject([
      { outcome: 'failed', guestLocation: 'source', guestVerified: true },
    ]);
    expect(code).toBe(1);
    expect(isAlive(source)).toBe(false);
  });

  it('a source process that dies takes the guest with it, and that is said', async () => {
    const { demo, source, destination } = await slowDemo('pre-copy');
    process.kill(source, 'SIGKILL');
    const { code, stderr } = await demo.ended;
    expect(stderr).toMatch(/^pageferry: PEER_GONE: the source process ended: SIGKILL\. .*is lost/m);
    expect(code).toBe(3);
    expect(isAlive(destination)).toBe(false);
  });
});
