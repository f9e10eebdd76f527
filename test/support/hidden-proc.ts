/** A /proc that shows nothing but processes, as systemd's ProcSubset=pid gives it to a service. */
import { spawnSync } from 'node:child_process';

const HIDE = 'mount -t proc -o subset=pid proc /proc';

/** The command that runs what follows it with such a /proc. */
export const withHiddenProc: readonly string[] = [
  'unshare',
  '-m',
  '/bin/sh',
  '-c',
  `${HIDE} && exec "$0" "$@"`,
];

/** Why that cannot be had here, or undefined. */
export function obstacleToHidingProc(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', ['-m', '/bin/sh', '-c', HIDE], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim();
}
