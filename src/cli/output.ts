/** Where a command writes: results for people, and one line for an error. */
import type { WriteStream } from 'node:tty';
import { createColors } from 'picocolors';
import { oneLine, PageferryError } from '../errors.js';

export type Colors = ReturnType<typeof createColors>;

/**
 * From here on a reader that goes away (`| head`, a closed terminal) ends nothing: what is written for it is dropped.
 * Otherwise the error of a log line would end the process, and with it a migration or every guest that runs here.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Everything for people goes to one stream; to stderr when stdout carries JSON. */
export class Output {
  readonly stream: WriteStream;
  readonly colors: Colors;

  constructor(json: string | undefined) {
    this.stream = json === '-' ? process.stderr : process.stdout;
    this.colors = createColors(this.isTerminal && process.env['NO_COLOR'] === undefined);
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
  process.stderr.write(`pageferry: ${code}: ${oneLine(message)}\n`);
  if (process.env['PAGEFERRY_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
    if (error.cause !== undefined) process.stderr.write(`caused by: ${String(error.cause)}\n`);
  }
}
