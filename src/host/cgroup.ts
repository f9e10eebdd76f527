/**
 * What the control groups of this process leave it. A limit bounds a whole group with every group below it,
 * so each ancestor counts, not only the group that the process is in.
 */
import { posix } from 'node:path';
import type { HostFiles } from './files.js';

/** How much a limit leaves, and the file that sets it. */
export interface CgroupRoom {
  readonly bytes: number;
  readonly where: string;
}

type Version = 1 | 2;

/** A hierarchy of groups that can limit memory: `root` of it, as the kernel names it, is visible at `at`. */
export interface CgroupMount {
  readonly version: Version;
  readonly root: string;
  readonly at: string;
}

/** mountinfo writes a space, a tab, a line end and a backslash in octal. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The hierarchies in the text of /proc/self/mountinfo: of version 1 only the one that knows memory. */
export function parseCgroupMounts(mountinfo: string): readonly CgroupMount[] {
  return mountinfo.split('\n').flatMap((line): CgroupMount[] => {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , , root = '', at = ''] = mount.split(' ');
    const [type, , options = ''] = filesystem.split(' ');
    const place = { root: unescapeMount(root), at: unescapeMount(at) };
    if (type === 'cgroup2') return [{ version: 2, ...place }];
    if (type === 'cgroup' && options.split(',').includes('memory')) {
      return [{ version: 1, ...place }];
    }
    return [];
  });
}

/** This process's group in each hierarchy, from the text of /proc/self/cgroup. */
export function parseCgroupPaths(text: string): ReadonlyMap<Version, string> {
  const paths = new Map<Version, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') paths.set(2, path);
    else if (controllers.split(',').includes('memory')) paths.set(1, path);
  }
  return paths;
}

/** A line `name value` of memory.stat, in bytes; 0 when there is none. */
export function parseMemoryStat(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** The text of a file with one figure; a limit that is not set reads `max`. */
export function parseFigure(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const figure = text.trim();
  return figure === 'max' ? Number.POSITIVE_INFINITY : Number(figure);
}

/**
 * The directories of a group and of each ancestor that is visible, innermost first. In a container the group
 * may have a name that means nothing at the mount; the root of the mount is then as near as one can look.
 */
export function cgroupDirectories(
  { root, at }: CgroupMount,
  path: string,
  exists: (directory: string) => boolean,
): readonly string[] {
  const prefix = root === '/' ? '' : root;
  const isBelow = path === root || path.startsWith(`${prefix}/`);
  const leavesMount = path.split('/').includes('..');
  const named = posix.join(at, isBelow && !leavesMount ? path.slice(prefix.length) : '');
  const own = exists(named) ? posix.resolve(named) : at;
  const directories = [own];
  for (let each = own; each !== at; ) {
    each = posix.dirname(each);
    directories.push(each);
  }
  return directories;
}

function smallest(rooms: readonly CgroupRoom[]): CgroupRoom | undefined {
  // Of equals the later one, which is further out: an ancestor's limit is what the groups below report too.
  return rooms.reduce<CgroupRoom | undefined>(
    (least, room) => (least === undefined || room.bytes <= least.bytes ? room : least),
    undefined,
  );
}

/** File cache that nobody used of late goes before a guest has to; everything else in use stays. */
function left(limit: number, used: number, inactiveFile: number): number {
  return Math.max(0, limit - used + Math.min(inactiveFile, used));
}

/** Beyond `memory.high` a group is slowed down to a crawl, so a guest must not need it either. */
function roomOfVersion2(files: HostFiles, directory: string): CgroupRoom | undefined {
  const limits = ['memory.high', 'memory.max'].flatMap((name) => {
    const where = `${directory}/${name}`;
    const bytes = parseFigure(files.read(where));
    return bytes === undefined || !Number.isFinite(bytes) ? [] : [{ bytes, where }];
  });
  const limit = smallest(limits);
  const used = parseFigure(files.read(`${directory}/memory.current`));
  if (limit === undefined || used === undefined) return undefined;
  const stat = files.read(`${directory}/memory.stat`) ?? '';
  const inactiveFile = parseMemoryStat(stat, 'inactive_file');
  return { bytes: left(limit.bytes, used, inactiveFile), where: limit.where };
}

/** Version 1 also tells the smallest limit of all ancestors, visible here or not. */
function roomOfVersion1(files: HostFiles, directory: string): CgroupRoom | undefined {
  const where = `${directory}/memory.limit_in_bytes`;
  const own = parseFigure(files.read(where));
  const used = parseFigure(files.read(`${directory}/memory.usage_in_bytes`));
  if (own === undefined || used === undefined) return undefined;
  const stat = files.read(`${directory}/memory.stat`) ?? '';
  const ofAncestors = parseMemoryStat(stat, 'hierarchical_memory_limit') || own;
  const inactiveFile = parseMemoryStat(stat, 'total_inactive_file');
  return { bytes: left(Math.min(own, ofAncestors), used, inactiveFile), where };
}

/** Before Linux 5.11 a group of version 1 could be told to leave the groups below it out of its account. */
function countsGroupsBelow(files: HostFiles, directory: string): boolean {
  return parseFigure(files.read(`${directory}/memory.use_hierarchy`)) !== 0;
}

/** What the tightest of this process's groups leaves it, or undefined when none has a limit. */
export function cgroupRoom(files: HostFiles): CgroupRoom | undefined {
  const mounts = parseCgroupMounts(files.read('/proc/self/mountinfo') ?? '');
  const paths = parseCgroupPaths(files.read('/proc/self/cgroup') ?? '');
  const rooms = mounts.flatMap((mount) => {
    const path = paths.get(mount.version);
    if (path === undefined) return [];
    const directories = cgroupDirectories(mount, path, (directory) => files.exists(directory));
    return directories.flatMap((directory, distance) => {
      if (mount.version === 2) return roomOfVersion2(files, directory) ?? [];
      if (distance > 0 && !countsGroupsBelow(files, directory)) return [];
      return roomOfVersion1(files, directory) ?? [];
    });
  });
  return smallest(rooms);
}
