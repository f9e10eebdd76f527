// Reads and writes result files. A write replaces the file as a whole, so that a crash or a full disk
// leaves the last good one.
import {
  closeSync,
  existsSync,
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
import type { GenericSchema, InferOutput } from 'valibot';
import { errorOf, RunEnded, UsageError } from '../lib/errors.js';
import { validate } from '../lib/validate.js';
import { type Result, resultSchema } from './schema.js';

/** A file that could not be written: full disk, no permission. The one before it is untouched. */
export class WriteError extends RunEnded {
  constructor(file: string, cause: unknown) {
    super(`cannot write ${file}: ${whyNot(file, cause)}`, { cause });
  }
}

function whyNot(file: string, cause: unknown): string {
  const { code, message } = errorOf(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full';
  return code === 'ENOTDIR' ? `${dirname(file)} is not a folder` : message;
}

/** False for what is there and is no file, such as /dev/null. */
export function isOrdinaryFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
}

function writeDurably(file: string, content: string | Uint8Array): void {
  const fd = openSync(file, 'w');
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces the file in one step. Throws WriteError; then the old file is as it was. */
export function writeWhole(file: string, content: string | Uint8Array): void {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    // A device must not be replaced by a file.
    if (!isOrdinaryFile(file)) {
      writeFileSync(file, content);
      return;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeDurably(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    throw new WriteError(file, error);
  }
}

export function toJson(result: Result): string {
  return `${JSON.stringify(result)}\n`;
}

/** Throws UsageError for a file that cannot be read or is not `what`; it says which field and why. */
export function readJson<Schema extends GenericSchema>(
  file: string,
  what: string,
  schema: Schema,
): InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file}: ${errorOf(error).message}`);
  }
  return validate(schema, value, `${file} is not ${what}`);
}

export function readResult(file: string): Result {
  return readJson(file, 'a result of the bench', resultSchema);
}
