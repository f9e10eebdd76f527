// Every migration of the bench is verified: some pages of each guest are compared once the figures are final, and every
// page in one repetition of each case.
import type { MigrationReport, SourceOptions } from '#engine/index.js';

/** What of a guest is compared when it has arrived. */
export type Verify = Exclude<NonNullable<SourceOptions['verify']>, false>;

export const EVERY_PAGE: Verify = true;
/** Enough to find what goes wrong often, in a few milliseconds. */
export const A_SAMPLE: Verify = { pages: 1024 };

/** Of one guest: what it has, and what was compared of it. */
export interface Compared {
  readonly pages: number;
  readonly pagesCompared: number;
}

const PAGE_BYTES = 4096;

/** Throws where the guest was not compared, or a page of it is not what it must be. */
export function comparedOf({
  verification,
  guestVerified,
  memoryBytes,
}: MigrationReport): Compared {
  if (verification === null) throw new Error('the guest that arrived was not compared');
  const { pagesCompared, pagesDifferent, firstDifferentPage, failedReads } = verification;
  if (guestVerified !== true) {
    const reads = failedReads === 0 ? '' : `, and ${failedReads} of its own reads failed`;
    throw new Error(
      `THE GUEST THAT ARRIVED IS WRONG: ${pagesDifferent} of ${pagesCompared} pages that were compared differ from what the guest wrote, the first is page ${firstDifferentPage}${reads}`,
    );
  }
  return { pages: memoryBytes / PAGE_BYTES, pagesCompared };
}
