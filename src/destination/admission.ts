/** Whether a guest may come here, and if not, why. */
import { PageferryError } from '../errors.js';
import { costOfPopulating } from '../host/memory.js';
import type { GuestMemory } from '../native/binding.js';
import { probe } from '../native/machine.js';
import type { SourceMessage } from '../protocol/messages.js';
import { formatBytes } from '../units.js';
import type { Claim, Reservation } from './ledger.js';
import type { ResolvedDestinationOptions } from './options.js';

type Open = Extract<SourceMessage, { type: 'open' }>;

const PAGE_BYTES = 4096;
/** Sets of pages that are kept while a guest arrives, one bit a page each. */
const PAGE_SETS = 3;

const GUEST: Claim = {
  code: 'DESTINATION_NO_MEMORY',
  what: 'the guest',
  remedy: 'Free some memory, choose another destination, or start this one with --overcommit',
};

/**
 * Reserves what this guest will take (docs/decisions/0026), until the migration ends; undefined where the
 * destination overcommits. `isPrepared`: its memory is populated already. Throws when the guest cannot be taken.
 */
export function admit(
  open: Open,
  options: ResolvedDestinationOptions,
  isPrepared: boolean,
): Reservation | undefined {
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
  if (open.populatedBytes > total) {
    throw new PageferryError(
      'PROTOCOL',
      `the guest's regions have ${formatBytes(total)}, yet ${formatBytes(open.populatedBytes)} of them are said to be populated`,
    );
  }
  if (options.overcommit) return undefined;
  const bookkeeping = (PAGE_SETS * total) / (8 * PAGE_BYTES);
  const toPopulate = options.prefault ? total : open.populatedBytes;
  return options.ledger.reserve(
    bookkeeping + (isPrepared ? 0 : costOfPopulating(toPopulate)),
    GUEST,
  );
}

/** Whether the faults of a guest that was built around this memory can be served here. */
export function faultPath(memory: GuestMemory): { available: boolean; reason: string } {
  if (memory.hasWindow) {
    return {
      available: false,
      reason:
        "the guest took a window of its memory for the agent's own JavaScript thread, which must not wait for its pages; a guest in a Worker, with a workerWindow(), may",
    };
  }
  const found = probe(memory.backing).capabilities.find(({ name }) => name === 'post-copy');
  return { available: found?.available ?? false, reason: found?.reason ?? 'not probed' };
}
