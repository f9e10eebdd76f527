/** Reads what a side proves itself with. */
import { asPageferryError, nativeCode, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Credentials } from '../native/connections.js';
import type { TlsOptions } from './security.js';

/** Null: without TLS. Throws USAGE where a file cannot be read, does not hold what it should or is out of date. */
export function openCredentials(whose: string, tls: TlsOptions | undefined): Credentials | null {
  if (tls === undefined) return null;
  try {
    if ('preSharedKey' in tls) return binding.openCredentials({ preSharedKey: tls.preSharedKey });
    const { certificate, key, ca, crl, allowedPeers } = tls;
    return binding.openCredentials({
      certificate,
      key,
      ca,
      ...(crl === undefined ? {} : { crl }),
      ...(allowedPeers === undefined ? {} : { allowedPeers }),
    });
  } catch (error) {
    if (nativeCode(error) === 'NO_MEMORY') throw asPageferryError(error, whose);
    // Whatever else is wrong is wrong with the files that were named.
    throw new PageferryError('USAGE', `${whose}: ${(error as Error).message}`, { cause: error });
  }
}

/** The name that the destination's certificate must have, where it is not the host's. */
export function serverNameOf(tls: TlsOptions | undefined): { readonly serverName?: string } {
  if (tls === undefined || !('serverName' in tls) || tls.serverName === undefined) return {};
  return { serverName: tls.serverName };
}
