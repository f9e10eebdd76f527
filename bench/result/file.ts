// Reads and writes result files. A write replaces the file as a whole, so that a crash or a full disk
// leaves the last good one.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../lib/errors.mjs';
import { validate } from '../lib/validate.mjs';
import { resultSchema } from './schema.mjs';

/** A file that could not be written: full disk, no permission. The one before it is untouched. */
export class WriteError extends Error {
  constructor(file, cause) {
    const full = ['ENOSPC', 'EDQUOT'].includes(cause.code);
    super(`cannot write ${file}: ${full ? 'the disk is full' : cause.message}`, { cause });
  }
}

/** False for what is there and is no file, such as /dev/null. */
export function isOrdinaryFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
}

function writeDurably(file, text) {
  const fd = openSync(file, 'w');
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces the file in one step. Throws WriteError; then the old file is as it was. */
export function writeWhole(file, text) {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    // A device must not be replaced by a file.
    if (!isOrdinaryFile(file)) return writeFileSync(file, text);
    mkdirSync(dirname(file), { recursive: true });
    writeDurably(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new WriteError(file, error);
  }
}

export function toJson(result) {
  return `${JSON.stringify(result)}\n`;
}

/** Throws UsageError for a file that cannot be read or is no result; it says which field and why. */
export function readJson(file, schema) {
  let value;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file}: ${error.message}`);
  }
  return validate(schema, value, file);
}

export function readResult(file) {
  return readJson(file, resultSchema);
}
