/** Writes a trace file as it is recorded. The file is there, whole, once end() has returned; before that only beside it. */

import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync, type WriteStream } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import {
  END_REASONS,
  type EndReason,
  pagesOfRuns,
  RECORD_KINDS,
  type RecordedInterval,
  TRACE_LIMITS,
  TRACE_MAGIC,
  TRACE_METHODS,
  TRACE_VERSION,
  type TraceHead,
} from './format.js';
import { VarintWriter } from './varints.js';

/** What has been written so far. */
export interface TraceSums {
  readonly intervals: number;
  readonly pages: number;
  readonly writes: number;
}

export class TraceWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: WriteStream;
  readonly #gzip: Gzip;
  readonly #written: Promise<void>;
  readonly #numbers = new VarintWriter();
  /** The process may be told to exit while it records. */
  readonly #remove = (): void => rmSync(this.#temporary, { force: true });
  #sums: TraceSums = { intervals: 0, pages: 0, writes: 0 };

  /** Rejects when the file cannot be written there. */
  static async open(path: string, head: TraceHead): Promise<TraceWriter> {
    const writer = new TraceWriter(path);
    try {
      await once(writer.#file, 'open');
    } catch (error) {
      writer.discard();
      throw error;
    }
    for (const letter of TRACE_MAGIC) writer.#numbers.unsigned(letter.charCodeAt(0));
    for (const value of [TRACE_VERSION, TRACE_METHODS[head.method], head.intervalUs]) {
      writer.#numbers.unsigned(value);
    }
    await writer.#flush();
    return writer;
  }

  private constructor(path: string) {
    this.#path = path;
    this.#temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
    this.#file = createWriteStream(this.#temporary);
    this.#gzip = createGzip();
    this.#written = finished(this.#gzip.pipe(this.#file));
    this.#written.catch(() => {}); // Told by whoever writes next, or ends.
    this.#file.once('error', (error) => this.#gzip.destroy(error));
    process.once('exit', this.#remove);
    this.#gzip.once('error', () => {});
  }

  get sums(): TraceSums {
    return this.#sums;
  }

  /** False, and nothing is written, when the trace would exceed a limit of the format. */
  async interval({ durationUs, pages, runs }: RecordedInterval): Promise<boolean> {
    const sums = {
      intervals: this.#sums.intervals + 1,
      pages,
      writes: this.#sums.writes + pagesOfRuns(runs),
    };
    const full = (['intervals', 'pages', 'writes'] as const).some(
      (what) => sums[what] > TRACE_LIMITS[what],
    );
    if (full || durationUs > TRACE_LIMITS.durationUs) return false;
    this.#sums = sums;
    for (const value of [RECORD_KINDS.interval, durationUs, pages, runs.length / 2]) {
      this.#numbers.unsigned(value);
    }
    let end = 0;
    for (let at = 0; at < runs.length; at += 2) {
      const [first = 0, length = 0] = [runs[at], runs[at + 1]];
      this.#numbers.signed(first - end);
      this.#numbers.unsigned(length);
      end = first + length;
    }
    await this.#flush();
    return true;
  }

  /** On return the file is in its place. */
  async end(reason: EndReason): Promise<void> {
    const { intervals, pages, writes } = this.#sums;
    for (const value of [RECORD_KINDS.end, END_REASONS[reason], intervals, pages, writes]) {
      this.#numbers.unsigned(value);
    }
    await this.#flush();
    this.#gzip.end();
    await this.#written;
    renameSync(this.#temporary, this.#path);
    process.off('exit', this.#remove);
  }

  /** Leaves nothing behind. For a writer that has not ended. */
  discard(): void {
    this.#gzip.destroy();
    this.#file.destroy();
    this.#remove();
    process.off('exit', this.#remove);
  }

  async #flush(): Promise<void> {
    if (this.#file.errored !== null) throw this.#file.errored;
    if (this.#gzip.write(this.#numbers.take())) return;
    await Promise.race([once(this.#gzip, 'drain'), this.#written]);
  }
}
