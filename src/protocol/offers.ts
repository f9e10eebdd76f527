/** What a migration may use: offered by the source, accepted by the destination (docs/protocol.md, 3.3). Pure. */
import { PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { ContentName } from '../native/contents.js';

import type { Offers } from './messages.js';

/** Kinds of space that a guest may have. */
export const SPACE_KINDS = ['ram'] as const;
/** Contents without which there is no migration. */
const NEEDED: readonly ContentName[] = ['raw', 'zero'];

/** What the protocol has: more than any one migration uses. */
export function knownContents(): ContentName[] {
  return Object.keys(binding.protocolConstants().contents) as ContentName[];
}

/** Of a source that encodes pages as these contents, and that may leave some of them to be asked for. */
export function offersOf(encoded: readonly ContentName[], mayServeFaults: boolean): Offers {
  const contents: ContentName[] = [...NEEDED, ...encoded];
  if (mayServeFaults) contents.push('missing');
  return { contents, spaceKinds: [...SPACE_KINDS] };
}

export interface Accepted extends Offers {
  readonly contents: ContentName[];
}

/** What is taken of an offer: all of it that is known here. Throws PROTOCOL for one that makes no migration. */
export function acceptedOf({ contents, spaceKinds }: Offers): Accepted {
  const missing = NEEDED.filter((name) => !contents.includes(name));
  if (missing.length > 0) {
    throw new PageferryError('PROTOCOL', `the offer lacks the contents ${missing.join(', ')}`);
  }
  return {
    contents: knownContents().filter((name) => contents.includes(name)),
    spaceKinds: SPACE_KINDS.filter((kind) => spaceKinds.includes(kind)),
  };
}

/** Throws PROTOCOL where more was accepted than was offered, or less than is needed. */
export function checkAccepted(offers: Offers, accepts: Offers, peer: string): void {
  const surplus = [
    ...accepts.contents.filter((name) => !offers.contents.includes(name)),
    ...accepts.spaceKinds.filter((kind) => !offers.spaceKinds.includes(kind)),
  ];
  const missing = NEEDED.filter((name) => !accepts.contents.includes(name));
  if (surplus.length === 0 && missing.length === 0) return;
  const what =
    surplus.length > 0
      ? `accepted what was not offered (${surplus.join(', ')})`
      : `did not accept ${missing.join(', ')}`;
  throw new PageferryError('PROTOCOL', `${peer} ${what}`, { peer });
}
