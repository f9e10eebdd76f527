/** Where this user's programs keep what was made once on a machine and can be made again. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder for one kind of it, or without a kind the folder of all of them; it need not be there. A relative or empty
 * $XDG_CACHE_HOME counts as none (XDG Base Directory Specification, "Environment variables"). Throws where the variable
 * does not say it and this user has no home.
 */
export function cacheFolder(kind = ''): string {
  const said = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(said) ? said : join(homedir(), '.cache'), 'pageferry', kind);
}
