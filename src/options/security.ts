/** What a connection is secured with, and where that may be left out. */
import * as v from 'valibot';
import { PageferryError } from '../errors.js';
import type { Address } from '../units.js';
import { text } from './field.js';

/** Mutual TLS: both sides show a certificate of one CA. The files are PEM. */
export interface CertificateFiles {
  /** This side's, then what is between it and the CA. */
  readonly certificate: string;
  /** Of this side's certificate. */
  readonly key: string;
  /** Who issues the other side's certificate. */
  readonly ca: string;
  /** Whoever is on this revocation list is refused. */
  readonly crl?: string;
  /** On a destination: sources with one of these names are taken, and no others; by default any of the CA's. */
  readonly allowedPeers?: readonly string[];
  /** On a source: the name that the destination's certificate must have; by default the host that it connects to. */
  readonly serverName?: string;
}

/** A key that both sides were given: a file with one line, `identity:hex`, that its owner alone may read. */
export interface PreSharedKeyFile {
  readonly preSharedKey: string;
}

export type TlsOptions = CertificateFiles | PreSharedKeyFile;

const PATH = text(4096);
const NAME = text(300);

export const TLS_SCHEMA = v.union(
  [
    v.strictObject({ preSharedKey: PATH }),
    v.strictObject({
      certificate: PATH,
      key: PATH,
      ca: PATH,
      crl: v.optional(PATH),
      allowedPeers: v.optional(v.array(NAME)),
      serverName: v.optional(NAME),
    }),
  ],
  'must be { certificate, key, ca }, with crl, allowedPeers or serverName if need be, or { preSharedKey }',
);

/** What is said there stays on this host. */
function isLoopback(address: Address): boolean {
  if ('path' in address) return true;
  const host = address.host.toLowerCase();
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Throws USAGE where anybody on the way could read and change a guest's memory, or bring a guest, and nobody has said
 * that this is meant.
 */
export function requireSecurity(
  whose: string,
  address: Address,
  { tls, insecure }: { readonly tls?: unknown; readonly insecure?: boolean | undefined },
): void {
  if (tls !== undefined || insecure === true || isLoopback(address)) return;
  throw new PageferryError(
    'USAGE',
    `${whose}: without TLS whoever is on the way can read and change the guest's memory. Give certificates or a key (tls; --tls, --psk), or say that the network is trusted (insecure; --insecure)`,
  );
}
