import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * Names this boot of this kernel: two processes that read the same name are on one host. Where /proc hides it
 * (subset=pid) every call answers another name, so that nobody is taken to be on this host.
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}
