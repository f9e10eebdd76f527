/** Facts about this host. */
import { readFileSync } from 'node:fs';

/** Names this boot of this kernel: two processes that read the same share one monotonic clock. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Memory that can still be given to processes without swapping, in bytes. */
export function availableMemoryBytes(): number {
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
