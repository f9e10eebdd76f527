// How many bytes a QEMU sends over TCP (sent_bytes.cc), whatever it says itself.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative } from '../lib/native.js';

export class SentBytes {
  /** What the environment of that QEMU has beside its own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #path: string;

  /** Its file is made in `dir`. */
  constructor(dir: string) {
    this.#path = join(dir, 'sent-bytes');
    writeFileSync(this.#path, Buffer.alloc(8));
    const others = process.env['LD_PRELOAD'] ?? '';
    this.environment = {
      LD_PRELOAD: [buildNative('sent-bytes'), others].filter((path) => path !== '').join(':'),
      PAGEFERRY_SENT_BYTES: this.#path,
    };
  }

  /** Since that QEMU began. Throws where nothing was counted, as of a QEMU that loads no libraries. */
  get count(): number {
    const count = Number(readFileSync(this.#path).readBigUInt64LE(0));
    if (count === 0) throw new Error('what QEMU sends could not be counted');
    return count;
  }
}
