/** What the command's exit code says. Documented in every --help. */
import { PageferryError } from '../errors.js';
import type { MigrationReport } from '../index.js';

export const EXIT = {
  /** Migrated and, unless told not to, verified. */
  verified: 0,
  /** Not migrated; the guest is safe on the source. */
  safeOnSource: 1,
  /** Wrong usage. */
  usage: 2,
  /** The guest is lost, in an unknown place, or its memory differs. */
  guestLost: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit codes:
  0  the guest arrived and every page was verified
  1  the migration failed or was cancelled; the guest is safe on the source
  2  wrong usage
  3  the guest was lost, is in an unknown place, or its memory differs`;

/** For a migration that has ended, however it did. */
export function exitCodeOfReport(report: MigrationReport): ExitCode {
  if (report.guestVerified === false) return EXIT.guestLost;
  if (report.guestLocation === 'source') return EXIT.safeOnSource;
  if (report.guestLocation === 'destination' && report.error === null) return EXIT.verified;
  return EXIT.guestLost;
}

/** For an error outside of a migration: no guest was touched yet. */
export function exitCodeOfError(error: unknown): ExitCode {
  if (!(error instanceof PageferryError)) return EXIT.safeOnSource;
  if (error.code === 'USAGE') return EXIT.usage;
  return error.code === 'GUEST_DIFFERS' ? EXIT.guestLost : EXIT.safeOnSource;
}

/** The line to print for a migration that did not go well; undefined for one that did. */
export function failureOf(report: MigrationReport): PageferryError | undefined {
  const { error, verification, guestVerified, guestLocation } = report;
  if (guestVerified === false) {
    const { pagesDifferent = 0, pagesCompared = 0, failedReads = 0 } = verification ?? {};
    return new PageferryError(
      'GUEST_DIFFERS',
      `${pagesDifferent} of ${pagesCompared} pages on the ${guestLocation} are not what the guest wrote, and ${failedReads} of its reads failed. This is a defect in Pageferry: please report it with the command line and --json`,
    );
  }
  if (error === null) return undefined;
  const safe =
    guestVerified === true && guestLocation === 'source'
      ? `. The guest stayed on the source, and all ${verification?.pagesCompared} of its pages are as they must be`
      : '';
  return new PageferryError(error.code, `${error.message}${safe}`);
}
