/** Calls something when files change. */
import { type Stats, unwatchFile, watchFile } from 'node:fs';

const LOOK_EVERY_MS = 1000;
/** Files that belong together are replaced one after the other. */
const SETTLED_AFTER_MS = 500;

/** Until the returned function is called. A file that is not there yet may come. Keeps no process alive. */
export function onFileChange(paths: readonly string[], changed: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  const look = (now: Stats, before: Stats): void => {
    if (now.mtimeMs === before.mtimeMs && now.ino === before.ino) return;
    clearTimeout(settling);
    settling = setTimeout(changed, SETTLED_AFTER_MS);
    settling.unref();
  };
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => {
    clearTimeout(settling);
    for (const path of paths) unwatchFile(path, look);
  };
}
