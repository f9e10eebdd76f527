/** Reads trace files. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { PageferryError } from '../errors.js';
import type { Trace } from './format.js';
import { parseTrace } from './parser.js';
import { VarintReader } from './varints.js';

/** Throws USAGE with the reason for a file that is none, was cut short, or exceeds the limits of the format. */
export async function readTrace(path: string): Promise<Trace> {
  try {
    // A pipe or a device could keep us waiting.
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
    const content = createGunzip();
    // Whatever goes wrong with the file, `content` fails with it.
    pipeline(createReadStream(path), content).catch(() => {});
    return await parsed(content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('USAGE', `the trace ${path} cannot be read: ${explained(reason)}`, {
      cause: error,
    });
  }
}

/** zlib's words for what people do by mistake. */
function explained(reason: string): string {
  if (reason === 'incorrect header check') return 'it is no trace, which `pageferry trace` records';
  return reason === 'unexpected end of file' ? 'it was cut short' : reason;
}

const FOLLOWED = 'something follows its end';

async function parsed(pieces: AsyncIterable<Uint8Array>): Promise<Trace> {
  const parser = parseTrace();
  parser.next(0); // Runs to where it waits for the first number.
  let trace: Trace | undefined;
  const numbers = new VarintReader((value) => {
    if (trace !== undefined) throw new Error(FOLLOWED);
    const { done, value: whole } = parser.next(value);
    if (done) trace = whole;
  });
  for await (const piece of pieces) numbers.push(piece);
  if (trace === undefined) throw new Error('it was cut short');
  if (!numbers.isWhole) throw new Error(FOLLOWED);
  return trace;
}
