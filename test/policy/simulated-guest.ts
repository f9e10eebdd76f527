/** A guest and a link that are known exactly: what rounds of its migration are like, and what its final round takes. */
import type { RoundOutcome } from '../../src/policy/convergence.js';
import type { Random } from '../support/random.js';

/** What a page holds: bytes on the wire follow from it. */
type Content = 'zero' | 'random' | 'compressible';

export interface SimulatedLink {
  /** What the wire carries. */
  readonly bytesPerMs: number;
  /** What reading a page costs, whatever it holds. */
  readonly scanPagesPerMs: number;
  /** 0: none. */
  readonly limitBytesPerSecond: number;
}

export const NO_DELTAS = { pagesDelta: 0, bytesDelta: 0 };

const RAW_BYTES = 4096 + 16;
const RECORD_BYTES = 16;

export class SimulatedGuest {
  readonly #pages: Content[];
  #dirty: number[];

  constructor(
    readonly random: Random,
    readonly link: SimulatedLink,
    /** Of a compressible page; all of a guest's are alike. */
    readonly encodedBytes: number,
    shares: { readonly zero: number; readonly compressible: number },
    pages: number,
  ) {
    this.#pages = Array.from({ length: pages }, () => {
      const at = random.unit();
      if (at < shares.zero) return 'zero';
      return at < shares.zero + shares.compressible ? 'compressible' : 'random';
    });
    this.#dirty = this.#pages.map((_, page) => page);
  }

  get pageCount(): number {
    return this.#pages.length;
  }

  /** A round over what is dirty; meanwhile `written` pages are, some of which were zero and are not any more. */
  round(written: number): RoundOutcome {
    const sent = this.#sending(this.#dirty);
    const dirty = new Set<number>();
    // What a guest writes lies together, and may be of one kind only.
    const start = this.random.whole(0, this.pageCount - 1);
    for (let i = 0; i < written; i += 1) dirty.add((start + i) % this.pageCount);
    this.#dirty = [...dirty];
    for (const page of this.#dirty) {
      if (this.#pages[page] === 'zero' && this.random.unit() < 0.8) {
        this.#pages[page] = this.#pages.includes('random') ? 'random' : 'compressible';
      }
    }
    return { ...sent, dirtyPages: this.#dirty.length };
  }

  /** What the final round takes if the guest is paused now. */
  finalRoundMs(): number {
    return this.#sending(this.#dirty).ms;
  }

  #sending(pages: readonly number[]): Omit<RoundOutcome, 'dirtyPages'> {
    const count = (content: Content) =>
      pages.reduce((sum, page) => sum + Number(this.#pages[page] === content), 0);
    const [pagesZero, pagesRaw, pagesEncoded] = [
      count('zero'),
      count('random'),
      count('compressible'),
    ];
    const wireBytes =
      pagesRaw * RAW_BYTES +
      pagesEncoded * (this.encodedBytes + 16) +
      Math.ceil(pages.length / 512) * RECORD_BYTES;
    const { bytesPerMs, scanPagesPerMs, limitBytesPerSecond } = this.link;
    const rate =
      limitBytesPerSecond > 0 ? Math.min(bytesPerMs, limitBytesPerSecond / 1000) : bytesPerMs;
    const ms = Math.max(wireBytes / rate, pages.length / scanPagesPerMs);
    return { pages: pages.length, pagesZero, pagesRaw, pagesEncoded, ...NO_DELTAS, wireBytes, ms };
  }
}
