/** The JSON of a run, written whole or not at all. */
import {
  accessSync,
  constants,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PageferryError } from '../errors.js';
import type { MigrationReport } from '../index.js';
import type { Conditions } from './conditions.js';
import { printError } from './output.js';

/** The file name that stands for stdout. */
const STDOUT = '-';

function cannotWrite(file: string, error: unknown): PageferryError {
  const reason = error instanceof Error ? error.message : String(error);
  const where = file === STDOUT ? 'stdout' : file;
  return new PageferryError('USAGE', `cannot write the report to ${where}: ${reason}`, {
    cause: error,
  });
}

/** A pipe or a device cannot be replaced by another file: it is written as it is. */
function isReplaceable(stats: Stats | undefined): boolean {
  return stats === undefined || stats.isFile();
}

/** Throws USAGE now rather than after the migrations when the report could not be written. */
export function checkJsonFile(file: string | undefined): void {
  if (file === undefined || file === STDOUT) return;
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new Error('it is a folder');
    if (stats !== undefined) accessSync(file, constants.W_OK);
    if (isReplaceable(stats)) accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/**
 * The JSON document of migrations that are over (docs/metrics.md), to a file or, for `-`, to stdout; nothing without a
 * file. When it cannot be written, that is said on stderr and nothing else changes: the exit code tells where the
 * guest is, and a guest that has moved has moved.
 */
export function saveReports(
  file: string | undefined,
  conditions: () => Conditions,
  migrations: readonly MigrationReport[],
): void {
  if (file === undefined) return;
  try {
    writeJson(file, { version: 1, ...conditions(), migrations });
  } catch (error) {
    printError(error);
  }
}

/**
 * On return the file holds all of it. Throws USAGE when it cannot be written: the disk is full, say. Then a file that
 * was there before is as it was, because the new one takes its place only once it is whole.
 */
export function writeJson(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  try {
    if (file === STDOUT) writeToStdout(text);
    else writeFile(file, text);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

function writeFile(file: string, text: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!isReplaceable(stats)) {
    writeFileSync(file, text);
    return;
  }
  // A link stays a link: what it points to is replaced.
  const target = stats === undefined ? file : realpathSync(file);
  const temporary = join(dirname(target), `.pageferry-${process.pid}.json`);
  try {
    writeFileSync(temporary, text, { mode: stats?.mode ?? 0o666 });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Waits for a reader that is slow: the process may end right afterwards. */
function writeToStdout(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}
