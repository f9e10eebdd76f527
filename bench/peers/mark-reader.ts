// The program that stamps the guests' marks, as the bench sees it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { buildNative } from '../lib/native.js';
import type { Side } from '../links/link.js';
import { decodeStamps, type Stamp } from './marks.js';

export class MarkReader {
  readonly sockets: Readonly<Record<Side, string>>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #gone: Promise<void>;
  readonly #output: string;
  readonly #said = new Set<string>();
  readonly #news = new EventEmitter<{ said: [] }>();
  #isAsked = false;

  /** Its files are made in `dir`; `onExit(error)` is told when it ends before it was told to. */
  constructor(dir: string, onExit: (error: Error) => void) {
    this.sockets = {
      source: join(dir, 'marks-source'),
      destination: join(dir, 'marks-destination'),
    };
    this.#output = join(dir, 'stamps');
    const args = [this.sockets.source, this.sockets.destination, this.#output];
    this.#child = spawn(buildNative('mark-reader'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {});
    const lines = createInterface(this.#child.stdout);
    lines.on('line', (line) => {
      this.#said.add(line);
      this.#news.emit('said');
    });
    // Its exit tells of it.
    lines.on('error', () => {});
    this.#gone = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        onExit(error);
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        if (!this.#isAsked || code !== 0) {
          onExit(new Error(`the reader of marks ended with ${signal ?? code}`));
        }
        resolve();
      });
    });
  }

  /** Until it has said so. */
  async hears(what: 'listening' | 'filled' | 'arrived'): Promise<void> {
    while (!this.#said.has(what)) await once(this.#news, 'said');
  }

  /** Ends it; answers every stamp. */
  async stamps(): Promise<Stamp[]> {
    this.#isAsked = true;
    this.#child.stdin.end();
    await this.#gone;
    return decodeStamps(readFileSync(this.#output));
  }

  /** On return the process is gone. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
