/** What this process has open. */
import { readdirSync, readlinkSync } from 'node:fs';

/** Descriptors whose target begins with this, such as `/memfd:` or `socket:`. */
export function openDescriptors(target: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(target);
    } catch {
      return false; // The one that lists them.
    }
  }).length;
}
