/** What both halves of a migration are secured with, on the command line. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { PageferryError } from '../errors.js';
import type { TlsOptions } from '../options/security.js';

export interface TlsValues {
  readonly tls?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsCrl?: string;
  readonly tlsName?: string;
  readonly allow?: readonly string[];
  readonly psk?: string;
  readonly insecure?: boolean;
}

/** Adds the options that both sides have. */
export function addTlsOptions(command: Command): Command {
  return command
    .option(
      '--tls <certificate>',
      'a certificate of this host, as pageferry pki issue makes it; key, CA and revocation list lie beside it',
    )
    .option('--tls-key <file>', 'its key (default: NAME-key.pem beside NAME.pem)')
    .option('--tls-ca <file>', "the CA of the other side's certificate (default: ca.pem beside it)")
    .option(
      '--tls-crl <file>',
      'certificates that are revoked (default: crl.pem beside it, if it is there)',
    )
    .option('--psk <file>', 'instead of certificates: a key that both sides have')
    .option('--insecure', 'neither: the network is trusted');
}

/** As the API has them. Throws USAGE for options that do not go together. */
export function securityOptions(values: TlsValues): { tls?: TlsOptions; insecure?: boolean } {
  const insecure = values.insecure === true ? { insecure: true } : {};
  const withoutCertificate = (['tlsKey', 'tlsCa', 'tlsCrl', 'tlsName', 'allow'] as const).find(
    (name) => values.tls === undefined && values[name] !== undefined,
  );
  if (withoutCertificate !== undefined) {
    throw new PageferryError('USAGE', `${flagOf(withoutCertificate)} goes with --tls`);
  }
  if (values.psk !== undefined) {
    if (values.tls !== undefined)
      throw new PageferryError('USAGE', 'give --tls or --psk, not both');
    return { tls: { preSharedKey: values.psk }, ...insecure };
  }
  if (values.tls === undefined) return insecure;
  return { tls: certificateFiles(values.tls, values), ...insecure };
}

const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function certificateFiles(certificate: string, values: TlsValues): TlsOptions {
  const beside = (name: string) => join(dirname(certificate), name);
  const crl = values.tlsCrl ?? beside('crl.pem');
  return {
    certificate,
    key: values.tlsKey ?? beside(`${basename(certificate, '.pem')}-key.pem`),
    ca: values.tlsCa ?? beside('ca.pem'),
    ...(values.tlsCrl === undefined && !existsSync(crl) ? {} : { crl }),
    ...(values.allow === undefined ? {} : { allowedPeers: values.allow }),
    ...(values.tlsName === undefined ? {} : { serverName: values.tlsName }),
  };
}

/** Those that its connections depend on. */
export function filesOf(tls: TlsOptions | undefined): readonly string[] {
  if (tls === undefined) return [];
  if ('preSharedKey' in tls) return [tls.preSharedKey];
  return [tls.certificate, tls.key, tls.ca, ...(tls.crl === undefined ? [] : [tls.crl])];
}
