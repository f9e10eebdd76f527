/** Control groups of the real kernel, made for one test below the group that the test runs in. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { cgroupDirectories, parseCgroupMounts, parseCgroupPaths } from '../../src/host/cgroup.js';
import { HostFiles } from '../../src/host/files.js';
import { atEnd } from './at-end.js';
import { until } from './until.js';

export type LimitedGroup =
  | { readonly kind: 'made'; readonly directory: string }
  | { readonly kind: 'impossible'; readonly reason: string };

const LIMIT_FILES = ['memory.max', 'memory.limit_in_bytes'];

/** The command that runs what follows it inside the group. */
export function withinGroup(directory: string): readonly string[] {
  return ['/bin/sh', '-c', `echo $$ > '${directory}/cgroup.procs' && exec "$0" "$@"`];
}

let made = 0;

/** A group with this limit, for processes of the test; it goes when the test and its processes have ended. */
export function makeLimitedGroup(bytes: number): LimitedGroup {
  const reasons: string[] = [];
  for (const parent of ownGroups()) {
    made += 1;
    const directory = `${parent}/pageferry-test-${process.pid}-${made}`;
    try {
      mkdirSync(directory);
    } catch (error) {
      reasons.push(String(error));
      continue;
    }
    atEnd(() => until('the control group goes', () => removed(directory)));
    const reason = limit(directory, bytes);
    if (reason === undefined) return { kind: 'made', directory };
    reasons.push(reason);
  }
  return { kind: 'impossible', reason: reasons.join('; ') || 'no control groups are mounted' };
}

function ownGroups(): readonly string[] {
  const mounts = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const paths = parseCgroupPaths(readFileSync('/proc/self/cgroup', 'utf8'));
  const files = new HostFiles();
  return mounts.flatMap((mount) => {
    const path = paths.get(mount.version);
    if (path === undefined) return [];
    return cgroupDirectories(mount, path, (directory) => files.exists(directory)).slice(0, 1);
  });
}

function limit(directory: string, bytes: number): string | undefined {
  const files = new HostFiles();
  const name = LIMIT_FILES.find((each) => files.exists(`${directory}/${each}`));
  if (name === undefined) return `memory cannot be limited in ${directory}`;
  try {
    writeFileSync(`${directory}/${name}`, String(bytes));
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** A group that has a process yet stays: the kernel needs a moment to let go of one that ended. */
function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
