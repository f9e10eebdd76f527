/** Gives a host its certificate and key, and what it needs of the CA. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { Credential, Validity } from '../native/certificates.js';
import {
  type AuthorityFiles,
  authorityFiles,
  isInForce,
  openAuthority,
  readAuthority,
  readCredential,
  readIssued,
  refuseExpired,
  validityOf,
} from './authority-folder.js';
import { type CertificateFacts, readCertificate } from './certificate.js';
import {
  type FileToWrite,
  fileError,
  makeFolder,
  readTextFile,
  refuseToOverwrite,
  removeFolders,
  writeFiles,
} from './files.js';
import { whileLocked } from './lock.js';
import { hostValidity } from './validity.js';

export interface Wanted {
  /** As parseHostNames answers them. */
  readonly names: readonly [string, ...string[]];
  /** Undefined: the default, within what the CA has left. */
  readonly days: number | undefined;
  /** Where the host's files go; the CA's own folder has ca.pem and crl.pem already. */
  readonly out: string;
}

export interface HostFiles {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly revocationList: string;
}

export interface IssuedToHost {
  readonly certificate: CertificateFacts;
  readonly files: HostFiles;
}

/** Throws, and changes nothing, where a file or a certificate that is in force has the name already. */
export async function issueCertificate(folder: string, wanted: Wanted): Promise<IssuedToHost> {
  const authority = openAuthority(folder);
  return await whileLocked(authority.key, () => issue(authority, wanted));
}

function issue(authority: AuthorityFiles, { names, days, out }: Wanted): IssuedToHost {
  const now = new Date();
  const [name] = names;
  const facts = readAuthority(authority);
  refuseExpired(facts, now);
  refuseNameInForce(authority, name, now);
  const files = hostFiles(out, name);
  for (const path of [files.certificate, files.key]) {
    refuseToOverwrite(path, 'name another folder with --out');
  }
  const copies = copiesOfAuthority(authority, files);
  const validity = hostValidity(now, days, validityOf(facts));
  const made = sign(authority, names, validity);
  const certificate = readCertificate(made.certificate);
  const madeFolders = makeOut(out) ? [out] : [];
  try {
    writeFiles([
      // First, because a certificate that the CA did not know could not be revoked.
      {
        path: join(authority.issued, `${name}-${certificate.serial}.pem`),
        text: made.certificate,
      },
      { path: files.certificate, text: made.certificate },
      { path: files.key, text: made.key },
      ...copies,
    ]);
  } catch (error) {
    removeFolders(madeFolders);
    throw error;
  }
  return { certificate, files };
}

function hostFiles(out: string, name: string): HostFiles {
  const { certificate: authority, revocationList } = authorityFiles(out);
  return {
    certificate: join(out, `${name}.pem`),
    key: join(out, `${name}-key.pem`),
    authority,
    revocationList,
  };
}

function refuseNameInForce(authority: AuthorityFiles, name: string, now: Date): void {
  const other = readIssued(authority, now).find((one) => one.name === name && isInForce(one));
  if (other === undefined) return;
  throw new PageferryError(
    'USAGE',
    `${name} has a certificate already, until ${other.notAfter.toISOString()}; to replace it, revoke it first`,
  );
}

/**
 * What of the CA is not there yet. A folder may have the files of several hosts, so those of the same CA may be there,
 * and the list may be an older one; those of another CA stay as they are.
 */
function copiesOfAuthority(authority: AuthorityFiles, files: HostFiles): readonly FileToWrite[] {
  const certificate = readTextFile(authority.certificate);
  const list = readTextFile(authority.revocationList);
  if (!existsSync(files.authority)) {
    refuseToOverwrite(files.revocationList, 'name another folder with --out');
    return [
      { path: files.authority, text: certificate },
      { path: files.revocationList, text: list },
    ];
  }
  if (readTextFile(files.authority) !== certificate) {
    throw new PageferryError(
      'USAGE',
      `${files.authority} is that of another CA and is not overwritten; name another folder with --out`,
    );
  }
  const isCurrent = existsSync(files.revocationList) && readTextFile(files.revocationList) === list;
  return isCurrent ? [] : [{ path: files.revocationList, text: list, replace: true }];
}

function sign(authority: AuthorityFiles, names: readonly string[], validity: Validity): Credential {
  try {
    return binding.issueCertificate(readCredential(authority), names, validity);
  } catch (error) {
    throw asPageferryError(error, `cannot sign with ${authority.key}`);
  }
}

function makeOut(out: string): boolean {
  try {
    return makeFolder(out);
  } catch (error) {
    throw fileError(error, `cannot make the folder ${out}`);
  }
}
