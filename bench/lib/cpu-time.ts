// The processors' time as the kernel counts it, all cores together.
import { readFileSync } from 'node:fs';

/** Of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user. */
const FIELDS = 8;
const IDLE = 3;
const WAITING = 4;
const STOLEN = 7;

/** Ticks since boot: altogether, not idle, and withheld by the host of a virtual machine. */
function ticks() {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const counts = line
    .split(/\s+/)
    .slice(1, 1 + FIELDS)
    .map(Number);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const of = (field: number) => counts[field] ?? 0;
  return { all, busy: all - of(IDLE) - of(WAITING), stolen: of(STOLEN) };
}

/** Begins to watch; what it answers tells the shares, 0 … 1, of the time since. */
export function watchCpuTime() {
  const before = ticks();
  return () => {
    const now = ticks();
    const share = (name: 'busy' | 'stolen') =>
      (now[name] - before[name]) / Math.max(1, now.all - before.all);
    return { busy: share('busy'), stolen: share('stolen') };
  };
}
