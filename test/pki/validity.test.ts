import { describe, expect, it } from 'vitest';
import {
  authorityValidity,
  hasExpired,
  hostValidity,
  revocationListValidity,
} from '../../src/pki/validity.js';

const DAY = 24 * 3600;
const now = new Date('2026-01-01T00:00:00.500Z');
const seconds = Date.parse('2026-01-01T00:00:00Z') / 1000;

describe('validity', () => {
  it('begins an hour ago, for hosts whose clocks are late', () => {
    expect(authorityValidity(now, 10)).toEqual({ begin: seconds - 3600, end: seconds + 10 * DAY });
  });

  it('of a host is a year, and less where the CA has less left', () => {
    const long = { begin: seconds - 10 * DAY, end: seconds + 1000 * DAY };
    expect(hostValidity(now, undefined, long).end).toBe(seconds + 365 * DAY);
    const short = { begin: seconds - 10, end: seconds + 100 * DAY };
    expect(hostValidity(now, undefined, short)).toEqual(short);
  });

  it('of a host that is asked for by the day is never cut short without a word', () => {
    const authority = { begin: seconds - 10 * DAY, end: seconds + 100 * DAY };
    expect(hostValidity(now, 100, authority).end).toBe(authority.end);
    expect(() => hostValidity(now, 101, authority)).toThrow(
      /its CA, which has 100 whole days left/,
    );
  });

  it('of a revocation list ends with the CA', () => {
    const authority = { begin: seconds - 10, end: seconds + 100 * DAY };
    expect(revocationListValidity(now, authority)).toEqual(authority);
  });

  it('is over in the last second', () => {
    expect(hasExpired(new Date(+now + 1), now)).toBe(false);
    expect(hasExpired(now, now)).toBe(true);
  });
});
