/** Where a CA's files are, and what they say. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Credential, RevocationList, Validity } from '../native/certificates.js';
import { type CertificateFacts, readCertificate } from './certificate.js';
import { fileError, readTextFile } from './files.js';
import { hasExpired, secondsOf } from './validity.js';

export interface IssuedCertificate extends CertificateFacts {
  /** Null while it is not revoked. */
  readonly revokedAt: Date | null;
  readonly expired: boolean;
}

export interface AuthorityFiles {
  /** There from the moment that the folder is that of a CA. */
  readonly certificate: string;
  /** Never replaced: also the lock of the folder. */
  readonly key: string;
  /** All that is known of what was revoked. */
  readonly revocationList: string;
  /** A folder with a copy of every certificate that was issued, NAME-SERIAL.pem. */
  readonly issued: string;
}

export function authorityFiles(folder: string): AuthorityFiles {
  return {
    certificate: join(folder, 'ca.pem'),
    key: join(folder, 'ca-key.pem'),
    revocationList: join(folder, 'crl.pem'),
    issued: join(folder, 'issued'),
  };
}

/** Throws USAGE unless the folder is that of a CA. */
export function openAuthority(folder: string): AuthorityFiles {
  const files = authorityFiles(folder);
  if (existsSync(files.certificate)) return files;
  throw new PageferryError(
    'USAGE',
    `there is no CA in ${folder}; make one with: pageferry pki init ${folder}`,
  );
}

export function readCredential({ certificate, key }: AuthorityFiles): Credential {
  return { certificate: readTextFile(certificate), key: readTextFile(key) };
}

export function readAuthority({ certificate }: AuthorityFiles): CertificateFacts {
  return factsOf(certificate);
}

/** Throws USAGE where the CA can sign nothing that anybody would take. */
export function refuseExpired({ name, notAfter }: CertificateFacts, now: Date): void {
  if (!hasExpired(notAfter, now)) return;
  throw new PageferryError(
    'USAGE',
    `the CA "${name}" expired at ${notAfter.toISOString()}; make a new one in another folder`,
  );
}

export function validityOf({ notBefore, notAfter }: CertificateFacts): Validity {
  return { begin: secondsOf(notBefore), end: secondsOf(notAfter) };
}

export function readRevocations(files: AuthorityFiles): RevocationList {
  const list = readTextFile(files.revocationList);
  try {
    return binding.readRevocationList(readTextFile(files.certificate), list);
  } catch (error) {
    throw asPageferryError(error, `cannot use ${files.revocationList}`);
  }
}

/** Every certificate that was issued, oldest first. */
export function readIssued(files: AuthorityFiles, now: Date): readonly IssuedCertificate[] {
  const revoked = new Map(readRevocations(files).revoked.map(({ serial, at }) => [serial, at]));
  return namesIn(files.issued)
    .map((name) => {
      const facts = factsOf(join(files.issued, name));
      const at = revoked.get(facts.serial);
      const revokedAt = at === undefined ? null : new Date(at * 1000);
      return { ...facts, revokedAt, expired: hasExpired(facts.notAfter, now) };
    })
    .sort((a, b) => +a.notBefore - +b.notBefore || (a.name < b.name ? -1 : 1));
}

/** Neither revoked nor expired. */
export function isInForce({ revokedAt, expired }: IssuedCertificate): boolean {
  return revokedAt === null && !expired;
}

function factsOf(file: string): CertificateFacts {
  const text = readTextFile(file);
  try {
    return readCertificate(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('USAGE', `${file} is no certificate: ${reason}`, { cause: error });
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    // What an interrupted command may have left begins with a dot.
    return readdirSync(folder).filter((name) => /^[^.].*\.pem$/.test(name));
  } catch (error) {
    throw fileError(error, `cannot read ${folder}`);
  }
}
