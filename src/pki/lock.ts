/** One process at a time changes a CA: two that revoked at once would each sign a list without the other's entry. */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import { fileError } from './files.js';

const RETRY_MS = 20;
const GIVE_UP_MS = 10_000;

/**
 * `file` is never replaced, so that all lock the same one; it is opened for writing because network file systems lock
 * nothing else.
 */
export async function whileLocked<T>(file: string, action: () => T): Promise<T> {
  const descriptor = openToLock(file);
  try {
    const deadline = performance.now() + GIVE_UP_MS;
    while (!tryLock(descriptor, file)) {
      if (performance.now() > deadline) {
        throw new PageferryError(
          'SYSTEM',
          `another process has held the lock of ${file} for ${GIVE_UP_MS / 1000} s: let it end, and try again`,
        );
      }
      await sleep(RETRY_MS);
    }
    return action();
  } finally {
    closeSync(descriptor);
  }
}

function openToLock(file: string): number {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    throw fileError(error, `cannot open ${file} to lock it`);
  }
}

function tryLock(descriptor: number, file: string): boolean {
  try {
    return binding.tryLockFile(descriptor);
  } catch (error) {
    throw asPageferryError(error, `cannot lock ${file}`);
  }
}
