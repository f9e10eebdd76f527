/** Takes a host's certificate back: adds it to what the CA has revoked. */
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { RevocationList, Validity } from '../native/certificates.js';
import {
  type AuthorityFiles,
  type IssuedCertificate,
  isInForce,
  openAuthority,
  readAuthority,
  readCredential,
  readIssued,
  readRevocations,
  refuseExpired,
  validityOf,
} from './authority-folder.js';
import { writeFiles } from './files.js';
import { whileLocked } from './lock.js';
import { revocationListValidity, secondsOf } from './validity.js';

export interface Revoked {
  readonly certificate: IssuedCertificate;
  /** The list to copy to every host. */
  readonly revocationList: string;
}

/** `name`: the first of the certificate's. Throws USAGE when it has none that is in force. */
export async function revokeCertificate(folder: string, name: string): Promise<Revoked> {
  const authority = openAuthority(folder);
  return await whileLocked(authority.key, () => revoke(authority, name));
}

function revoke(authority: AuthorityFiles, name: string): Revoked {
  const now = new Date();
  const facts = readAuthority(authority);
  refuseExpired(facts, now);
  const certificate = certificateInForce(readIssued(authority, now), name);
  const { number, revoked } = readRevocations(authority);
  const list = {
    number: number + 1,
    revoked: [...revoked, { serial: certificate.serial, at: secondsOf(now) }],
  };
  const validity = revocationListValidity(now, validityOf(facts));
  const text = sign(authority, list, validity);
  writeFiles([{ path: authority.revocationList, text, replace: true }]);
  return { certificate, revocationList: authority.revocationList };
}

function certificateInForce(issued: readonly IssuedCertificate[], name: string): IssuedCertificate {
  const ofName = issued.filter((one) => one.name === name);
  const found = ofName.find(isInForce);
  if (found !== undefined) return found;
  throw new PageferryError('USAGE', whyNone(issued, ofName.at(-1), name));
}

function whyNone(
  issued: readonly IssuedCertificate[],
  last: IssuedCertificate | undefined,
  name: string,
): string {
  if (last?.revokedAt) return `${name} was revoked already, at ${last.revokedAt.toISOString()}`;
  if (last !== undefined)
    return `${name} expired at ${last.notAfter.toISOString()}: nobody takes it`;
  const other = issued.find((one) => isInForce(one) && one.names.includes(name));
  return other === undefined
    ? `no certificate has been issued for ${name}; pageferry pki list shows those that were`
    : `${name} is a name of the certificate ${other.name}: revoke that`;
}

function sign(authority: AuthorityFiles, list: RevocationList, validity: Validity): string {
  try {
    return binding.signRevocationList(readCredential(authority), list, validity);
  } catch (error) {
    throw asPageferryError(error, `cannot sign with ${authority.key}`);
  }
}
