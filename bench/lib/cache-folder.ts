// What is made once on a machine and then kept.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for one kind of it, which need not be there. */
export function cacheFolder(kind: string): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'pageferry', kind);
}
