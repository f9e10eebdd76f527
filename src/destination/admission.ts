/** Whether a guest may come here, and if not, why. */
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { descriptors, type Limit, mappings } from '../host/limits.js';
import { costOfPopulating } from '../host/memory.js';
import { probe } from '../native/machine.js';
import type { GuestMemory } from '../native/memory.js';
import type { SourceMessage } from '../protocol/messages.js';
import { SPACE_KINDS } from '../protocol/offers.js';
import { formatBytes, PAGE_BYTES } from '../units.js';
import type { Claim, Reservation } from './ledger.js';
import type { ResolvedDestinationOptions } from './options.js';

type Open = Extract<SourceMessage, { type: 'open' }>;

/** Sets of pages that are kept while a guest arrives, one bit a page each. */
const PAGE_SETS = 3;

const GUEST: Claim = {
  code: 'DESTINATION_NO_MEMORY',
  what: 'the guest',
  remedy: 'Free some memory, choose another destination, or start this one with --overcommit',
};

/** Of each: left to whatever else this process does, other migrations among it. */
const KEPT_SHARE = 1 / 8;
/** Descriptors of a migration beside one for each space and channel: control and fault channel, userfaultfd, wake-ups. */
const OTHER_DESCRIPTORS = 8;
/** For the guest and for the engine. */
const MAPPINGS_PER_SPACE = 2;

/** A guest of many spaces must not take the last descriptor or mapping of those that are here. */
function checkLimits({ spaces, channels }: Open): void {
  const check = (what: string, needed: number, remedy: string, found: Limit | undefined) => {
    if (found === undefined) return;
    const free = Math.max(0, Math.floor(found.left - found.limit * KEPT_SHARE));
    if (needed <= free) return;
    throw new PageferryError(
      'SYSTEM',
      `a guest of ${spaces.length} regions takes ${needed} ${what}, and the destination has ${free} for it. ${remedy}`,
    );
  };
  check(
    'file descriptors',
    spaces.length + channels + OTHER_DESCRIPTORS,
    'Give the guest fewer regions, or raise the limit there (ulimit -n)',
    descriptors(),
  );
  check(
    'mappings of memory',
    spaces.length * MAPPINGS_PER_SPACE,
    'Give the guest fewer regions, or raise the limit there (sysctl vm.max_map_count)',
    mappings(),
  );
}

/** Named as dense is what is populated, and each page once: no more memory than was asked for is taken for it. */
function checkDense({ dense, populatedBytes }: Open, total: number): void {
  let end = 0;
  let pages = 0;
  for (const part of dense) {
    if (part.pages === 0 || part.page < end || part.page + part.pages > total / PAGE_BYTES) {
      throw new PageferryError(
        'PROTOCOL',
        `the pages from ${part.page} on, ${part.pages} of them, were named as dense: each run lies within the guest, after the one before`,
      );
    }
    end = part.page + part.pages;
    pages += part.pages;
  }
  if (pages * PAGE_BYTES <= populatedBytes) return;
  throw new PageferryError(
    'PROTOCOL',
    `${formatBytes(pages * PAGE_BYTES)} were named as dense, yet ${formatBytes(populatedBytes)} are said to be populated`,
  );
}

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
  for (const { kind, bytes, pageBytes } of open.spaces) {
    if (!SPACE_KINDS.some((known) => known === kind)) {
      throw new PageferryError(
        'UNSUPPORTED',
        `a space of the kind '${kind}': only ${SPACE_KINDS.join(', ')} is supported here`,
      );
    }
    if (pageBytes !== PAGE_BYTES || bytes === 0 || bytes % PAGE_BYTES !== 0) {
      throw new PageferryError(
        'UNSUPPORTED',
        `a space of ${bytes} bytes in pages of ${pageBytes}: only whole pages of ${PAGE_BYTES} bytes are supported`,
      );
    }
    total += bytes;
  }
  if (!isPrepared) checkLimits(open);
  if (total > options.memoryLimitBytes) {
    throw new PageferryError(
      'GUEST_TOO_LARGE',
      `the guest has ${formatBytes(total)} and the limit here is ${formatBytes(options.memoryLimitBytes)}. Raise it with --memory-limit`,
    );
  }
  if (open.populatedBytes > total) {
    throw new PageferryError(
      'PROTOCOL',
      `the guest's spaces have ${formatBytes(total)}, yet ${formatBytes(open.populatedBytes)} of them are said to be populated`,
    );
  }
  checkDense(open, total);
  if (options.overcommit) return undefined;
  const bookkeeping = (PAGE_SETS * total) / (8 * PAGE_BYTES);
  const toPopulate = options.prefault ? total : open.populatedBytes;
  return options.ledger.reserve(
    bookkeeping + (isPrepared ? 0 : costOfPopulating(toPopulate)),
    GUEST,
  );
}

/** Whether the faults of a guest that was built around this memory can be served here. */
export function faultPath(
  { kernelTouches }: Guest,
  memory: GuestMemory,
): { available: boolean; reason: string } {
  if (memory.hasWindow) {
    return {
      available: false,
      reason:
        "the guest took a window of its memory for the agent's own JavaScript thread, which must not wait for its pages; a guest in a Worker, with a workerWindow(), may",
    };
  }
  const { capabilities } = probe(memory.backing);
  const works = (name: string) => capabilities.find((one) => one.name === name)?.available ?? false;
  if (works('post-copy')) return { available: true, reason: '' };
  const userMode = works('post-copy-user-mode');
  if (userMode && kernelTouches === false) return { available: true, reason: '' };
  const found = capabilities.find(({ name }) => name === 'post-copy');
  const how = userMode
    ? '; a guest whose memory no system call touches may say so with kernelTouches: false'
    : '';
  return { available: false, reason: `${found?.reason ?? 'not probed'}${how}` };
}
