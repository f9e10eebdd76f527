/** How many migrations a destination takes at once, and who gives way to others. */
import { PageferryError } from '../errors.js';
import type { DestinationAgent } from './agent.js';
import type { ResolvedDestinationOptions } from './options.js';

/** So many control channels without `open` are kept even where fewer migrations are served. */
export const LEAST_UNOPENED = 16;

/** In the order in which they came. */
type UnderWay = readonly Pick<DestinationAgent, 'isOpen' | 'pageChannels' | 'abort'>[];

/** A migration has its place from its `open` on. */
export function hasPlace(
  underWay: UnderWay,
  { maxMigrations }: Pick<ResolvedDestinationOptions, 'maxMigrations'>,
): boolean {
  const open = underWay.filter((agent) => agent.isOpen).length;
  return open < maxMigrations;
}

/** Throws BUSY when there is no place for one that asks for so many page channels. It is not open itself yet. */
export function checkPlace(
  underWay: UnderWay,
  { maxMigrations, maxPageChannels }: ResolvedDestinationOptions,
  pageChannels: number,
): void {
  if (!hasPlace(underWay, { maxMigrations })) {
    throw new PageferryError(
      'BUSY',
      `the destination serves ${maxMigrations} migrations, as many as it may. Try again when one has ended`,
    );
  }
  let left = maxPageChannels;
  for (const agent of underWay) left -= agent.pageChannels;
  if (pageChannels <= left) return;
  throw new PageferryError(
    'BUSY',
    `the migration asks for ${pageChannels} page channels, and the destination has ${left} of ${maxPageChannels} left. Try again when another has ended, or ask for fewer (--channels)`,
  );
}

/**
 * Ends those that give way to one more control channel, which is not among them yet.
 *
 * Whoever connects and says nothing keeps nobody out. As many may be about to open as may be served, so that a burst of
 * sources finds its places; then the one that waits longest gives way.
 */
export function makeWay(underWay: UnderWay, { maxMigrations }: ResolvedDestinationOptions): void {
  const unopened = underWay.filter((agent) => !agent.isOpen);
  const error = new PageferryError(
    'PEER_SILENT',
    'has not said what it brings, and others have come since',
  );
  const most = Math.max(LEAST_UNOPENED, maxMigrations);
  for (const agent of unopened.slice(0, Math.max(0, unopened.length - most + 1))) {
    agent.abort(error);
  }
}
