/** From when until when a certificate is good. Seconds since 1970, as certificates have no finer ones. */
import { PageferryError } from '../errors.js';
import type { Validity } from '../native/certificates.js';

export const DEFAULT_AUTHORITY_DAYS = 3650;
export const DEFAULT_HOST_DAYS = 365;
export const MOST_DAYS = 36_500;
const DAY_SECONDS = 24 * 3600;
/** A host whose clock is late by less than this takes what was made just now. */
const LATE_CLOCK_SECONDS = 3600;

export function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** As OpenSSL judges: in its last second a certificate is no longer good. */
export function hasExpired(notAfter: Date, now: Date): boolean {
  return notAfter <= now;
}

export function authorityValidity(now: Date, days: number): Validity {
  const seconds = secondsOf(now);
  return { begin: seconds - LATE_CLOCK_SECONDS, end: seconds + days * DAY_SECONDS };
}

/** Within that of the authority. `days` undefined: the default, or as long as the authority where that is less. */
export function hostValidity(now: Date, days: number | undefined, authority: Validity): Validity {
  const seconds = secondsOf(now);
  const wanted = authorityValidity(now, days ?? DEFAULT_HOST_DAYS);
  if (days !== undefined && wanted.end > authority.end) {
    const most = Math.floor((authority.end - seconds) / DAY_SECONDS);
    throw new PageferryError(
      'USAGE',
      `--days ${days}: no certificate outlives its CA, which has ${most} whole days left; leave out --days for as long as it lasts`,
    );
  }
  return {
    begin: Math.max(wanted.begin, authority.begin),
    end: Math.min(wanted.end, authority.end),
  };
}

/**
 * Hosts refuse every certificate of a CA whose revocation list has expired, and a lab has nobody who signs a new one
 * each week. So a list is good for as long as the CA.
 */
export function revocationListValidity(now: Date, authority: Validity): Validity {
  const begin = Math.max(secondsOf(now) - LATE_CLOCK_SECONDS, authority.begin);
  return { begin, end: authority.end };
}
