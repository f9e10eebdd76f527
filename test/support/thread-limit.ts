/** A control group whose processes can be left without a thread to start: the kernel itself refuses each. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { atEnd } from './at-end.js';
import { until } from './until.js';

export type ThreadLimit =
  | {
      readonly kind: 'made';
      readonly directory: string;
      /** Whoever writes `0` leaves the group's processes no thread to start; `max` lifts the limit. */
      readonly file: string;
    }
  | { readonly kind: 'impossible'; readonly reason: string };

const ROOT = '/sys/fs/cgroup';

let made = 0;

/** A group without a limit yet; it goes when the test and its processes have ended. */
export function makeThreadLimit(): ThreadLimit {
  made += 1;
  const directory = `${ownGroup()}/pageferry-threads-${process.pid}-${made}`;
  const file = `${directory}/pids.max`;
  try {
    mkdirSync(directory);
  } catch (error) {
    return { kind: 'impossible', reason: String(error) };
  }
  atEnd(() => until('the control group goes', () => isRemoved(directory)));
  return existsSync(file)
    ? { kind: 'made', directory, file }
    : { kind: 'impossible', reason: `threads cannot be limited in ${directory}` };
}

export function leaveNoThread(limit: { readonly file: string }): void {
  writeFileSync(limit.file, '0');
}

export function lift(limit: { readonly file: string }): void {
  writeFileSync(limit.file, 'max');
}

/** This process's group: in the hierarchy of the pids controller, or in the unified one. */
function ownGroup(): string {
  const groups = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const within = (controller: string) =>
    groups.find((group) => group?.[1]?.split(',').includes(controller))?.[2];
  const ofPids = within('pids');
  const path = ofPids === undefined ? `${ROOT}${within('') ?? '/'}` : `${ROOT}/pids${ofPids}`;
  return path.replace(/\/$/, '');
}

/** A group that has a process yet stays: the kernel needs a moment to let go of one that ended. */
function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
