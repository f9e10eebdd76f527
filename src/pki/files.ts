/** Files that are written whole or not at all, and for their owner alone. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type ErrorCode, nativeCode, PageferryError } from '../errors.js';

const OWNER_ONLY_FILE = 0o600;
export const OWNER_ONLY_FOLDER = 0o700;

export interface FileToWrite {
  readonly path: string;
  readonly text: string;
  /** Otherwise it is refused where something of that name is there already. */
  readonly replace?: true;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'NO_PERMISSION',
  EPERM: 'NO_PERMISSION',
  EROFS: 'NO_PERMISSION',
  ENOENT: 'USAGE',
  ENOTDIR: 'USAGE',
  EISDIR: 'USAGE',
  EEXIST: 'USAGE',
  ENAMETOOLONG: 'USAGE',
};

/** An error of node:fs, and what could not be done because of it. */
export function fileError(error: unknown, what: string): PageferryError {
  if (error instanceof PageferryError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = CODES[nativeCode(error)] ?? 'SYSTEM';
  return new PageferryError(code, `${what}: ${reason}`, { cause: error });
}

export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, `cannot read ${path}`);
  }
}

export function refuseToOverwrite(path: string, whatToDo: string): void {
  if (!existsSync(path)) return;
  throw new PageferryError('USAGE', `${path} is there already and is not overwritten; ${whatToDo}`);
}

/** True when it made the folder, for its owner alone; false when it is there already. */
export function makeFolder(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  mkdirSync(path, OWNER_ONLY_FOLDER);
  return true;
}

/** After a failure, last made, first removed. One with anything in it stays: somebody else put that there. */
export function removeFolders(paths: readonly string[]): void {
  for (const path of paths.toReversed()) {
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}

/**
 * On return all of them are on the disk. When one cannot be written nothing has changed: each is written beside its
 * place first, and takes it, in the order given, only once all are whole.
 */
export function writeFiles(files: readonly FileToWrite[]): void {
  const staged: { readonly temporary: string; readonly file: FileToWrite }[] = [];
  const created: string[] = [];
  const letSignalsGo = holdSignals();
  try {
    for (const file of files) {
      const name = `.${basename(file.path)}.${randomBytes(4).toString('hex')}`;
      const temporary = join(dirname(file.path), name);
      staged.push({ temporary, file });
      writeDurably(temporary, file.text);
    }
    for (const { temporary, file } of staged) {
      if (file.replace === undefined)
        refuseToOverwrite(file.path, 'it came while this command ran');
      renameSync(temporary, file.path);
      if (file.replace === undefined) created.push(file.path);
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) syncFolder(folder);
  } catch (error) {
    for (const path of [...staged.map(({ temporary }) => temporary), ...created]) {
      rmSync(path, { force: true });
    }
    const names = files.map(({ path }) => path).join(', ');
    throw fileError(error, `cannot write ${names}, and nothing was changed`);
  } finally {
    letSignalsGo();
  }
}

/**
 * Without a listener a signal ends the process at once, between any two system calls. With one it waits until the
 * JavaScript that runs has returned, and here that takes milliseconds and leaves everything whole.
 */
function holdSignals(): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const hold = (): void => {};
  for (const signal of signals) process.on(signal, hold);
  return () => {
    for (const signal of signals) process.off(signal, hold);
  };
}

function writeDurably(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', OWNER_ONLY_FILE);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** So that the names outlive a power cut, too. */
function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
