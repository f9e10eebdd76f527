/** What this process has open. */
import { fstatSync, readdirSync, readlinkSync } from 'node:fs';

/** The files whose name begins with this, such as `/memfd:` or `socket:`, each by its inode and once for each descriptor. */
export function openFiles(name: string): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith(name)) return [];
      return [fstatSync(Number(fd)).ino];
    } catch {
      return []; // The one that lists them.
    }
  });
}

/** Descriptors of files whose name begins with this. */
export function openDescriptors(name: string): number {
  return openFiles(name).length;
}
