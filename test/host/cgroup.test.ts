import { describe, expect, it } from 'vitest';
import {
  cgroupDirectories,
  parseCgroupMounts,
  parseCgroupPaths,
  parseFigure,
  parseMemoryStat,
} from '../../src/host/cgroup.js';

const everywhere = () => true;

describe('the mounts of control groups', () => {
  it('are found among all others, of version 1 only the one that knows memory', () => {
    const mountinfo = `22 1 254:0 / / rw - ext4 /dev/vda rw
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 master:2 - cgroup cgroup rw,memory
41 31 0:38 /machine /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
`;
    expect(parseCgroupMounts(mountinfo)).toEqual([
      { version: 1, root: '/', at: '/sys/fs/cgroup/memory' },
      { version: 2, root: '/machine', at: '/sys/fs/cgroup/unified' },
    ]);
  });

  it('may have spaces in their paths', () => {
    const mountinfo = '35 31 0:32 / /my\\040groups rw - cgroup2 none rw\n';
    expect(parseCgroupMounts(mountinfo)).toEqual([{ version: 2, root: '/', at: '/my groups' }]);
  });

  it('are none in a text that has none', () => {
    expect(parseCgroupMounts('')).toEqual([]);
  });
});

describe("a process's control groups", () => {
  it('are told for each version, also where memory shares a hierarchy or a name has a colon', () => {
    const paths = parseCgroupPaths('9:name=systemd:/\n4:cpu,memory:/a/b:c\n0::/user.slice\n');
    expect(Object.fromEntries(paths)).toEqual({ 1: '/a/b:c', 2: '/user.slice' });
  });

  it('do not include a hierarchy of another controller', () => {
    expect(parseCgroupPaths('4:memory_of_elephants:/a\n')).toEqual(new Map());
  });
});

describe('the directories of a control group', () => {
  const at = '/sys/fs/cgroup';

  it('are its own and those of every ancestor, innermost first', () => {
    const mount = { version: 2, root: '/', at } as const;
    expect(cgroupDirectories(mount, '/a/b', everywhere)).toEqual([`${at}/a/b`, `${at}/a`, at]);
    expect(cgroupDirectories(mount, '/', everywhere)).toEqual([at]);
  });

  it('are counted from the root that is mounted', () => {
    const mount = { version: 1, root: '/docker/1234', at } as const;
    expect(cgroupDirectories(mount, '/docker/1234/job', everywhere)).toEqual([`${at}/job`, at]);
    expect(cgroupDirectories(mount, '/docker/1234', everywhere)).toEqual([at]);
  });

  it.each([
    ['does not lie below what is mounted', '/docker/1234', '/docker/12345'],
    ['lies outside of the namespace', '/', '/../other'],
  ])('are only the mount when the group %s', (_what, root, path) => {
    expect(cgroupDirectories({ version: 2, root, at }, path, everywhere)).toEqual([at]);
  });

  it('are only the mount when nothing of that name is visible', () => {
    const mount = { version: 2, root: '/', at } as const;
    expect(cgroupDirectories(mount, '/docker/1234', () => false)).toEqual([at]);
  });
});

describe('the figures of a control group', () => {
  it('are numbers, or none, or no limit at all', () => {
    expect(parseFigure('4096\n')).toBe(4096);
    expect(parseFigure('max\n')).toBe(Number.POSITIVE_INFINITY);
    expect(parseFigure(undefined)).toBeUndefined();
  });

  it('of memory.stat are found by their whole name', () => {
    const stat = 'inactive_file 1\ntotal_inactive_file 2\nactive_file 3\n';
    expect(parseMemoryStat(stat, 'inactive_file')).toBe(1);
    expect(parseMemoryStat(stat, 'total_inactive_file')).toBe(2);
    expect(parseMemoryStat(stat, 'file')).toBe(0);
  });
});
