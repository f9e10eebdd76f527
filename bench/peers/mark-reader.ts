// The program that stamps the guests' marks, as the bench sees it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildNative } from '../lib/native.mjs';
import { decodeStamps } from './marks.mjs';

export class MarkReader {
  #child;
  #gone;
  #output;
  #said = new Set();
  #isAsked = false;

  /** Its files are made in `dir`; `onExit(error)` is told when it ends before it was told to. */
  constructor(dir, onExit) {
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
      this.#child.emit('said');
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

  /** Until it has said so: 'listening', 'filled' or 'arrived'. */
  async hears(what) {
    while (!this.#said.has(what)) await once(this.#child, 'said');
  }

  /** Ends it; answers every stamp. */
  async stamps() {
    this.#isAsked = true;
    this.#child.stdin.end();
    await this.#gone;
    return decodeStamps(readFileSync(this.#output));
  }

  /** On return the process is gone. */
  async close() {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
