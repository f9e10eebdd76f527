/** Reads what the kernel says in files. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PageferryError } from '../errors.js';

/** The files of this host, or of a tree below `root` that looks like one. */
export class HostFiles {
  readonly #root: string;

  constructor(root = '/') {
    this.#root = root;
  }

  exists(path: string): boolean {
    return existsSync(join(this.#root, path));
  }

  /** The text of a file, or undefined when there is no such file. Throws SYSTEM when it cannot be read. */
  read(path: string): string | undefined {
    try {
      return readFileSync(join(this.#root, path), 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new PageferryError('SYSTEM', `cannot read ${path}: ${message}`, { cause: error });
    }
  }
}
