/** Where a command writes: results for people, one line for an error, JSON for programs. */
import { accessSync, constants, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { WriteStream } from 'node:tty';
import { createColors } from 'picocolors';
import { PageferryError } from '../errors.js';
import type { MigrationReport } from '../index.js';

export type Colors = ReturnType<typeof createColors>;

/** Everything for people goes to one stream; to stderr when stdout carries JSON. */
export class Output {
  readonly stream: WriteStream;
  readonly colors: Colors;

  constructor(json: string | undefined) {
    this.stream = json === '-' ? process.stderr : process.stdout;
    this.colors = createColors(this.isTerminal && process.env['NO_COLOR'] === undefined);
    // Whoever read our output has gone (`| head`): there is nobody left to work for.
    this.stream.on('error', () => process.exit(1));
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** Of the terminal; 100 where there is none. */
  get columns(): number {
    return (this.isTerminal ? this.stream.columns : 0) || 100;
  }

  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }
}

/** `pageferry: CODE: what, why, what to do`, one line; PAGEFERRY_DEBUG=1 adds the stack. */
export function printError(error: unknown): void {
  const code = error instanceof PageferryError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`pageferry: ${code}: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
  if (process.env['PAGEFERRY_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
    if (error.cause !== undefined) process.stderr.write(`caused by: ${String(error.cause)}\n`);
  }
}

function cannotWrite(file: string, error: unknown): PageferryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PageferryError('USAGE', `cannot write the report to ${file}: ${reason}`, {
    cause: error,
  });
}

/** Throws USAGE now rather than after the migrations when the report could not be written. */
export function checkJsonFile(file: string | undefined): void {
  if (file === undefined || file === '-') return;
  try {
    const exists = statSync(file, { throwIfNoEntry: false });
    if (exists?.isDirectory()) throw new Error('it is a folder');
    accessSync(exists === undefined ? dirname(file) : file, constants.W_OK);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** The JSON document of a run (docs/metrics.md), to a file or, for `-`, to stdout. */
export function writeReports(
  file: string | undefined,
  migrations: readonly MigrationReport[],
): void {
  if (file === undefined) return;
  writeJson(file, { version: 1, migrations });
}

export function writeJson(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  try {
    if (file === '-') writeWhole(text);
    else writeFileSync(file, text);
  } catch (error) {
    throw cannotWrite(file === '-' ? 'stdout' : file, error);
  }
}

/** To stdout, waiting for a reader that is slow: the process may end right afterwards. */
function writeWhole(text: string): void {
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
