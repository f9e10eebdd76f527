import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bootId } from '../../src/host/boot-id.js';
import {
  type AvailableMemory,
  availableMemory,
  describeBound,
  parseMemAvailable,
  readMemory,
} from '../../src/host/memory.js';
import { pageferryWithin } from '../cli/pageferry.js';
import { makeLimitedGroup, withinGroup } from '../support/cgroups.js';
import { failureOf, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { obstacleToHidingProc, withHiddenProc } from '../support/hidden-proc.js';
import { hostTree } from '../support/host-tree.js';
import { Host } from '../support/hosts.js';

const GIB = 2 ** 30;
const KEPT = 64 * MIB;
/** What version 1 reports where there is no limit. */
const NO_LIMIT = '9223372036854771712';
const unlimitedV1 = { limit: NO_LIMIT, used: GIB };

function host(availableBytes: number, more: Readonly<Record<string, string>>): AvailableMemory {
  const meminfo = `MemTotal: 33554432 kB\nMemFree: 1 kB\nMemAvailable: ${availableBytes / 1024} kB\n`;
  return availableMemory(hostTree({ '/proc/meminfo': meminfo, ...more }));
}

interface Group {
  readonly limit: string | number;
  readonly used: number;
  readonly stat?: string;
  readonly high?: number;
}

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

function v1Group(directory: string, { limit, used, stat }: Group): Record<string, string> {
  return {
    [`${directory}/memory.limit_in_bytes`]: `${limit}\n`,
    [`${directory}/memory.usage_in_bytes`]: `${used}\n`,
    [`${directory}/memory.stat`]: stat ?? '',
    [`${directory}/memory.use_hierarchy`]: '1\n',
  };
}

function v2Group(directory: string, { limit, used, stat, high }: Group): Record<string, string> {
  return {
    [`${directory}/memory.max`]: `${limit}\n`,
    [`${directory}/memory.high`]: `${high ?? 'max'}\n`,
    [`${directory}/memory.current`]: `${used}\n`,
    [`${directory}/memory.stat`]: stat ?? '',
  };
}

const v1Mount = (root = '/') => `35 31 0:32 ${root} ${V1} rw - cgroup cgroup rw,memory\n`;
const v2Mount = (root = '/') => `41 31 0:38 ${root} ${V2} rw - cgroup2 cgroup2 rw\n`;

const v1 = (path: string, mount = v1Mount()) => ({
  '/proc/self/mountinfo': mount,
  '/proc/self/cgroup': `4:memory:${path}\n`,
});
const v2 = (path: string, mount = v2Mount()) => ({
  '/proc/self/mountinfo': mount,
  '/proc/self/cgroup': `0::${path}\n`,
});

describe('the available memory', () => {
  it('is what the host says, less what stays free, where there are no control groups', () => {
    expect(host(21 * GIB, {})).toEqual({
      bytes: 21 * GIB - KEPT,
      boundBy: 'host',
      where: '/proc/meminfo',
    });
  });

  it('is never less than nothing', () => {
    expect(host(MIB, {}).bytes).toBe(0);
    const full = v2Group(`${V2}/a`, { limit: GIB, used: 2 * GIB });
    expect(host(21 * GIB, { ...v2('/a'), ...full }).bytes).toBe(0);
  });

  it.each([
    ['1', v1('/a'), v1Group(`${V1}/a`, { limit: 400 * MIB, used: 100 * MIB }), 'limit_in_bytes'],
    ['2', v2('/a'), v2Group(`${V2}/a`, { limit: 400 * MIB, used: 100 * MIB }), 'max'],
  ])('is bounded by a limit of version %s', (_version, place, group, file) => {
    expect(host(21 * GIB, { ...place, ...group })).toEqual({
      bytes: 300 * MIB - KEPT,
      boundBy: 'cgroup',
      where: expect.stringMatching(new RegExp(`/a/memory.${file}$`)),
    });
  });

  it('is that of the host where control groups leave more', () => {
    const group = v2Group(`${V2}/a`, { limit: 30 * GIB, used: GIB });
    expect(host(21 * GIB, { ...v2('/a'), ...group }).boundBy).toBe('host');
  });

  it('is bounded by the ancestor that leaves least, whatever the group itself says', () => {
    const tree = {
      ...v2('/a/b/c'),
      ...v2Group(`${V2}/a`, { limit: 8 * GIB, used: GIB }),
      ...v2Group(`${V2}/a/b`, { limit: 2 * GIB, used: GIB }),
      ...v2Group(`${V2}/a/b/c`, { limit: 'max', used: MIB }),
    };
    expect(host(21 * GIB, tree)).toEqual({
      bytes: GIB - KEPT,
      boundBy: 'cgroup',
      where: `${V2}/a/b/memory.max`,
    });
  });

  it('is bounded by an ancestor of version 1, named where its limit is set', () => {
    const inherited = `hierarchical_memory_limit ${2 * GIB}\n`;
    const tree = {
      ...v1('/a/b'),
      ...v1Group(V1, { limit: NO_LIMIT, used: 9 * GIB }),
      ...v1Group(`${V1}/a`, { limit: 2 * GIB, used: GIB, stat: inherited }),
      ...v1Group(`${V1}/a/b`, { limit: NO_LIMIT, used: GIB, stat: inherited }),
    };
    expect(host(21 * GIB, tree)).toEqual({
      bytes: GIB - KEPT,
      boundBy: 'cgroup',
      where: `${V1}/a/memory.limit_in_bytes`,
    });
  });

  it('is bounded by an ancestor of version 1 that is not visible from here', () => {
    const stat = `hierarchical_memory_limit ${2 * GIB}\n`;
    const own = v1Group(V1, { limit: NO_LIMIT, used: GIB, stat });
    expect(host(21 * GIB, { ...v1('/docker/12', v1Mount('/docker/12')), ...own }).bytes).toBe(
      GIB - KEPT,
    );
  });

  it('is not bounded by a group of version 1 that leaves those below it out of its account', () => {
    const tree = {
      ...v1('/a'),
      ...v1Group(V1, { limit: GIB, used: GIB }),
      ...v1Group(`${V1}/a`, unlimitedV1),
      [`${V1}/memory.use_hierarchy`]: '0\n',
    };
    expect(host(21 * GIB, tree).boundBy).toBe('host');
  });

  it.each([
    ['1', { ...v1('/a'), ...v1Group(`${V1}/a`, unlimitedV1) }],
    ['2', { ...v2('/a'), ...v2Group(`${V2}/a`, { limit: 'max', used: GIB }) }],
    ['2, without a memory controller', v2('/a')],
  ])('is not bounded where version %s has no limit', (_what, tree) => {
    expect(host(21 * GIB, tree).boundBy).toBe('host');
  });

  it('counts what slows a group down as a limit', () => {
    const group = v2Group(`${V2}/a`, { limit: 4 * GIB, high: GIB, used: 0 });
    expect(host(21 * GIB, { ...v2('/a'), ...group })).toMatchObject({
      bytes: GIB - KEPT,
      where: `${V2}/a/memory.high`,
    });
  });

  it.each([
    ['1', v1('/a'), v1Group, `${V1}/a`, 'total_inactive_file', 'total_shmem'],
    ['2', v2('/a'), v2Group, `${V2}/a`, 'inactive_file', 'shmem'],
  ])(
    'of version %s includes file cache that can go, and no shared memory',
    (_v, place, group, directory, cache, shared) => {
      const stat = `${shared} ${200 * MIB}\n${cache} ${100 * MIB}\n`;
      const tree = group(directory, { limit: 400 * MIB, used: 350 * MIB, stat });
      expect(host(21 * GIB, { ...place, ...tree }).bytes).toBe(150 * MIB - KEPT);
    },
  );

  it('is bounded by the visible root of a container whose group has a name of the host', () => {
    const root = v2Group(V2, { limit: 400 * MIB, used: 100 * MIB });
    const tree = { ...v2('/system.slice/docker-1234.scope'), ...root };
    expect(host(21 * GIB, tree)).toMatchObject({ boundBy: 'cgroup', where: `${V2}/memory.max` });
  });

  it('is bounded by whichever version limits memory where both are mounted', () => {
    const tree = {
      '/proc/self/mountinfo': v1Mount() + v2Mount().replace(V2, `${V2}/unified`),
      '/proc/self/cgroup': '4:memory:/a\n0::/b\n',
      ...v1Group(`${V1}/a`, { limit: GIB, used: 0 }),
      ...v2Group(`${V2}/unified/b`, { limit: 2 * GIB, used: 0 }),
    };
    expect(host(21 * GIB, tree).where).toBe(`${V1}/a/memory.limit_in_bytes`);
  });

  it('is unsupported where /proc hides it, with the file and what to do', () => {
    expect(() => availableMemory(hostTree({ '/proc/self/cgroup': '0::/\n' }))).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/\/proc\/meminfo.*subset=pid.*--overcommit/),
      }),
    );
  });

  it('is unsupported where the kernel does not tell it', () => {
    const root = hostTree({ '/proc/meminfo': 'MemTotal: 1 kB\nMemFree: 1 kB\n' });
    expect(() => availableMemory(root)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('MemAvailable'),
      }),
    );
  });

  it('is not guessed where a file cannot be read', () => {
    const root = hostTree({ '/proc/meminfo': 'MemAvailable: 1048576 kB\n', ...v2('/a') });
    // A folder: unlike a file that we may not read, root cannot read it either.
    mkdirSync(join(root, V2, 'a', 'memory.max'), { recursive: true });
    expect(readMemory(root)).toMatchObject({
      kind: 'unknown',
      code: 'SYSTEM',
      reason: expect.stringContaining(`${V2}/a/memory.max`),
    });
  });

  it('is read from its line, in kibibytes', () => {
    expect(parseMemAvailable('MemFree: 1 kB\nMemAvailable:   24244800 kB\n')).toBe(24_826_675_200);
    expect(parseMemAvailable('NotMemAvailable: 5 kB\n')).toBeUndefined();
  });

  it('of this host is some of what it has, and can be described', () => {
    const memory = availableMemory();
    expect(memory.bytes).toBeGreaterThan(0);
    expect(describeBound(memory)).toContain(memory.where);
  });
});

describe('a control group that allows less than the host has', () => {
  it('lets a destination refuse a guest that would end it, live, and take one that fits', async (context) => {
    const group = makeLimitedGroup(224 * MIB);
    if (group.kind === 'impossible') return context.skip(group.reason);
    const destination = await Host.start(withinGroup(group.directory));
    const port = await destination.listen();
    const large = await startGuest({ memoryBytes: 256 * MIB, workload: 'idle' });
    const refused = await failureOf(
      sourceFor(large, port, { strategy: 'pre-copy', verify: false }).migrate(),
    );
    expect(refused).toMatchObject({
      code: 'DESTINATION_NO_MEMORY',
      message: expect.stringContaining(group.directory),
      report: { guestLocation: 'source' },
    });
    const small = await startGuest({ memoryBytes: 4 * MIB });
    const report = await sourceFor(small, port).migrate();
    expect(report.guestVerified).toBe(true);
  });

  it('bounds what a destination prepares, and doctor names it', async (context) => {
    const group = makeLimitedGroup(224 * MIB);
    if (group.kind === 'impossible') return context.skip(group.reason);
    const destination = await Host.start(withinGroup(group.directory));
    await expect(destination.listen({ prepare: [[256 * MIB]] })).rejects.toThrow(group.directory);
    const { stdout } = await pageferryWithin(withinGroup(group.directory), 'doctor', '--json');
    expect(JSON.parse(stdout).availableMemory).toMatchObject({
      boundBy: 'cgroup',
      where: expect.stringContaining(group.directory),
    });
  });

  it('is what a source looks at before it makes a guest', async (context) => {
    const group = makeLimitedGroup(224 * MIB);
    if (group.kind === 'impossible') return context.skip(group.reason);
    const { code, stderr } = await pageferryWithin(
      withinGroup(group.directory),
      ...['source', '--to', '127.0.0.1:1', '--memory', '256MiB', '--fill', 'random'],
    );
    expect(stderr).toContain(`the limit in ${group.directory}`);
    expect(code).toBe(2);
  });
});

const obstacle = obstacleToHidingProc();
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;

describe.skipIf(obstacle !== undefined)(`where /proc shows only processes${skipped}`, () => {
  it('a destination refuses a guest by name of what is hidden', async () => {
    const destination = await Host.start(withHiddenProc);
    const port = await destination.listen();
    const guest = await startGuest({ memoryBytes: MIB });
    expect(await failureOf(sourceFor(guest, port).migrate())).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/\/proc\/meminfo.*subset=pid.*--overcommit/),
    });
    await expectUnharmed(guest);
  });

  it('a destination that overcommits takes every guest', async () => {
    const destination = await Host.start(withHiddenProc);
    const port = await destination.listen({ overcommit: true });
    for (const strategy of ['pre-copy', 'post-copy'] as const) {
      const guest = await startGuest({ memoryBytes: MIB });
      const report = await sourceFor(guest, port, { strategy }).migrate();
      expect(report.guestVerified).toBe(true);
    }
  });

  it('doctor says what is missing and how to get it', async () => {
    const { stdout } = await pageferryWithin(withHiddenProc, 'doctor', '--json');
    const { availableMemory: memory, checks } = JSON.parse(stdout);
    expect(memory).toBeNull();
    expect(checks).toContainEqual({
      name: 'free-memory',
      available: false,
      reason: expect.stringContaining('/proc/meminfo'),
      remedy: expect.stringContaining('--overcommit'),
    });
  });

  it('source says what is missing instead of making a guest', async () => {
    const { code, stderr } = await pageferryWithin(
      withHiddenProc,
      ...['source', '--to', '127.0.0.1:1', '--memory', '1MiB', '--workload', 'idle'],
    );
    expect(stderr).toMatch(/^pageferry: UNSUPPORTED: [^\n]*\/proc\/meminfo[^\n]*\n$/);
    expect(code).toBe(1);
  });
});

it('two processes share a clock only if they read the same boot', () => {
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  expect(bootId()).toBe(bootId());
});
