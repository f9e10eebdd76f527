/** Whether a guest may come here, and if not, why. */
import { PageferryError } from '../errors.js';
import { availableMemoryBytes } from '../host.js';
import { type Backing, binding } from '../native/binding.js';
import type { SourceMessage } from '../protocol/messages.js';
import { formatBytes } from '../units.js';
import type { ResolvedDestinationOptions } from './options.js';

type Open = Extract<SourceMessage, { type: 'open' }>;

const PAGE_BYTES = 4096;
/** What a host keeps for itself when a guest moves in. */
const RESERVE_BYTES = 64 << 20;

/** What guests may still take here. */
export function roomForGuests(): number {
  return Math.max(0, availableMemoryBytes() - RESERVE_BYTES);
}
/** Sets of pages that are kept while a guest arrives, one bit a page each. */
const PAGE_SETS = 3;

/** Throws when this guest cannot be taken. `isPrepared`: its memory is populated already. */
export function admit(open: Open, options: ResolvedDestinationOptions, isPrepared: boolean): void {
  let total = 0;
  for (const { bytes, pageBytes } of open.regions) {
    if (pageBytes !== PAGE_BYTES || bytes === 0 || bytes % PAGE_BYTES !== 0) {
      throw new PageferryError(
        'UNSUPPORTED',
        `a region of ${bytes} bytes in pages of ${pageBytes}: only whole pages of ${PAGE_BYTES} bytes are supported`,
      );
    }
    total += bytes;
  }
  if (total > options.memoryLimitBytes) {
    throw new PageferryError(
      'GUEST_TOO_LARGE',
      `the guest has ${formatBytes(total)} and the limit here is ${formatBytes(options.memoryLimitBytes)}. Raise it with --memory-limit`,
    );
  }
  const bookkeeping = (PAGE_SETS * total) / (8 * PAGE_BYTES);
  if (options.overcommit) return;
  const toPopulate = options.prefault ? total : open.populatedBytes;
  const needed = bookkeeping + (isPrepared ? 0 : toPopulate);
  const available = roomForGuests();
  if (needed > available) {
    throw new PageferryError(
      'DESTINATION_NO_MEMORY',
      `the guest needs ${formatBytes(needed)} and ${formatBytes(available)} are free here. Free some memory, choose another destination, or start this one with --overcommit`,
    );
  }
}

/** Whether this host can serve the faults of a guest with such memory. */
export function faultPath(backing: Backing): { available: boolean; reason: string } {
  const found = binding.probe(backing).capabilities.find(({ name }) => name === 'post-copy');
  return { available: found?.available ?? false, reason: found?.reason ?? 'not probed' };
}
