/** A file with one pre-shared key. */
import { randomBytes } from 'node:crypto';
import { refuseToOverwrite, writeFiles } from './files.js';

const KEY_BYTES = 32;

/** One line, `identity:hex`. Throws USAGE when the file is there already. */
export function createPreSharedKey(path: string, identity: string): void {
  refuseToOverwrite(path, 'name another file');
  writeFiles([{ path, text: `${identity}:${randomBytes(KEY_BYTES).toString('hex')}\n` }]);
}
