/** A set of pages that takes memory only where there are some: a guest may declare petabytes. */
const PART = 1024;

export class PageSet {
  /** A bit for each of 1,024 pages. */
  readonly #parts = new Map<number, Uint32Array>();
  size = 0;

  has(page: number): boolean {
    return ((this.#wordOf(page) ?? 0) & bitOf(page)) !== 0;
  }

  add(page: number): void {
    if (this.has(page)) return;
    const at = Math.floor(page / PART);
    const part = this.#parts.get(at) ?? new Uint32Array(PART / 32);
    this.#parts.set(at, part);
    part[wordAt(page)] = (part[wordAt(page)] ?? 0) | bitOf(page);
    this.size += 1;
  }

  delete(page: number): void {
    if (!this.has(page)) return;
    const part = this.#parts.get(Math.floor(page / PART)) as Uint32Array;
    part[wordAt(page)] = (part[wordAt(page)] ?? 0) & ~bitOf(page);
    this.size -= 1;
  }

  /** Any page of it. */
  some(): number | undefined {
    for (const [at, part] of this.#parts) {
      const word = part.findIndex((bits) => bits !== 0);
      if (word >= 0) return at * PART + word * 32 + 31 - Math.clz32(part[word] as number);
    }
    return undefined;
  }

  #wordOf(page: number): number | undefined {
    return this.#parts.get(Math.floor(page / PART))?.[wordAt(page)];
  }
}

function wordAt(page: number): number {
  return Math.floor((page % PART) / 32);
}

function bitOf(page: number): number {
  return 1 << (page % 32);
}
