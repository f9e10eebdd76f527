// What a process occupies, the guest's own pages apart.
import { readFileSync } from 'node:fs';

const GUEST_MEMFD = 'memfd:pageferry-guest';
const KIB = 1024;

/** A process by its id, or this one. */
type Pid = number | 'self';

export interface MemoryUse {
  readonly engineBytes: number;
  readonly guestBytes: number;
  readonly pageTableBytes: number;
}

function kib(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * KIB;
}

/** Exact but slow (walks every page table): resident bytes of all mappings but the guest's. */
export function readMemoryUse(pid: Pid): MemoryUse {
  const smaps = readFileSync(`/proc/${pid}/smaps`, 'utf8');
  const use = { engineBytes: 0, guestBytes: 0 };
  let ofGuest = false;
  for (const line of smaps.split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) ofGuest = line.includes(GUEST_MEMFD);
    else if (line.startsWith('Rss:')) {
      use[ofGuest ? 'guestBytes' : 'engineBytes'] += Number(/\d+/.exec(line)?.[0] ?? 0) * KIB;
    }
  }
  return { ...use, pageTableBytes: kib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmPTE') };
}

/**
 * Cheap enough to read every few milliseconds: resident bytes that are not shared memory. Guests are
 * the only shared memory of a Pageferry process, which readMemoryUse can confirm.
 */
export function readPrivateBytes(pid: Pid): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return kib(status, 'RssAnon') + kib(status, 'RssFile');
}

const LOOK_EVERY_MS = 10;

/** The highest readPrivateBytes of this process from now until stop(). */
export class PeakMemory {
  #bytes = readPrivateBytes('self');
  #timer = setInterval(() => this.#look(), LOOK_EVERY_MS);

  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#bytes;
  }

  #look(): void {
    this.#bytes = Math.max(this.#bytes, readPrivateBytes('self'));
  }
}
