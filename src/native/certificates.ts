/** What certificates are made of. */
/** A certificate and its private key, in PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** Seconds since 1970. A certificate is taken from `begin` on, and at `end` no more. */
export interface Validity {
  readonly begin: number;
  readonly end: number;
}

export interface RevocationList {
  /** Grows with every list of a CA. */
  readonly number: number;
  /** `serial` is hexadecimal, in capitals; `at` in seconds since 1970. */
  readonly revoked: readonly { readonly serial: string; readonly at: number }[];
}
