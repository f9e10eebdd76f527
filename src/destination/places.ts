/** How many migrations a destination takes at once, and who gives way to others. */
import { PageferryError } from '../errors.js';
import { MAX_SPACES } from '../protocol/messages.js';
import type { ResolvedDestinationOptions } from './options.js';

/** So many control channels without `open` are kept even where fewer migrations are served. */
export const LEAST_UNOPENED = 16;

/** Each takes a descriptor. One guest may have as many as all guests together. */
export const MOST_SPACES_TOGETHER = MAX_SPACES;

/** What a migration asks for in its `open` and shares with all others. */
export interface Asked {
  readonly pageChannels: number;
  readonly spaces: number;
}

/** Of a control channel that a source has made. */
interface Placed {
  /** Undefined before its `open`. */
  readonly asked: Asked | undefined;
  abort(error: PageferryError): void;
}

/** In the order in which they came. */
type UnderWay = readonly Placed[];

/** A migration has its place from its `open` on. */
export function hasPlace(
  underWay: UnderWay,
  { maxMigrations }: Pick<ResolvedDestinationOptions, 'maxMigrations'>,
): boolean {
  const open = underWay.filter(({ asked }) => asked !== undefined).length;
  return open < maxMigrations;
}

/** Throws BUSY when there is no place for one that asks for so much. It is not open itself yet. */
export function checkPlace(
  underWay: UnderWay,
  { maxMigrations, maxPageChannels }: ResolvedDestinationOptions,
  { pageChannels, spaces }: Asked,
): void {
  if (!hasPlace(underWay, { maxMigrations })) {
    throw new PageferryError(
      'BUSY',
      `the destination serves ${maxMigrations} migrations, as many as it may. Try again when one has ended`,
    );
  }
  const left = { pageChannels: maxPageChannels, spaces: MOST_SPACES_TOGETHER };
  for (const { asked } of underWay) {
    left.pageChannels -= asked?.pageChannels ?? 0;
    left.spaces -= asked?.spaces ?? 0;
  }
  if (pageChannels > left.pageChannels) {
    throw new PageferryError(
      'BUSY',
      `the migration asks for ${pageChannels} page channels, and the destination has ${left.pageChannels} of ${maxPageChannels} left. Try again when another has ended, or ask for fewer (--channels)`,
    );
  }
  if (spaces <= left.spaces) return;
  throw new PageferryError(
    'BUSY',
    `the guest has ${spaces} spaces, and the destination has room for ${left.spaces} of ${MOST_SPACES_TOGETHER} left. Try again when another migration has ended`,
  );
}

/**
 * Ends those that give way to one more control channel, which is not among them yet.
 *
 * Whoever connects and says nothing keeps nobody out. As many may be about to open as may be served, so that a burst of
 * sources finds its places; then the one that waits longest gives way.
 */
export function makeWay(underWay: UnderWay, { maxMigrations }: ResolvedDestinationOptions): void {
  const unopened = underWay.filter(({ asked }) => asked === undefined);
  const error = new PageferryError(
    'PEER_SILENT',
    'has not said what it brings, and others have come since',
  );
  const most = Math.max(LEAST_UNOPENED, maxMigrations);
  for (const agent of unopened.slice(0, Math.max(0, unopened.length - most + 1))) {
    agent.abort(error);
  }
}
