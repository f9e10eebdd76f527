/** A lab with a CA, and what its hosts prove themselves with. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binding } from '../../src/native/binding.js';
import type { Credential } from '../../src/native/certificates.js';
import type { CertificateFiles } from '../../src/options/security.js';
import { temporaryFolder } from './traces.js';

const HOUR = 3600;

export interface Span {
  /** Hours from now. */
  readonly from: number;
  readonly until: number;
}

const TODAY: Span = { from: -1, until: 24 };

function validity({ from, until }: Span) {
  const now = Math.floor(Date.now() / 1000);
  return { begin: now + from * HOUR, end: now + until * HOUR };
}

export class Lab {
  readonly folder = temporaryFolder();
  readonly ca = join(this.folder, 'ca.pem');
  readonly crl = join(this.folder, 'crl.pem');
  readonly #authority: Credential;
  readonly #revoked: { readonly serial: string; readonly at: number }[] = [];

  constructor(name = 'Lab') {
    this.#authority = binding.createAuthority(name, validity({ from: -2, until: 48 }));
    writeFileSync(this.ca, this.#authority.certificate);
    this.#writeRevocationList();
  }

  /** A host's certificate and key in files, and what it takes others' by. */
  host(names: readonly [string, ...string[]], span = TODAY): CertificateFiles {
    const made = binding.issueCertificate(this.#authority, names, validity(span));
    const certificate = join(this.folder, `${names[0]}.pem`);
    const key = join(this.folder, `${names[0]}-key.pem`);
    writeFileSync(certificate, made.certificate);
    writeFileSync(key, made.key, { mode: 0o600 });
    return { certificate, key, ca: this.ca, crl: this.crl };
  }

  /** `serial`: hexadecimal. */
  revoke(serial: string): void {
    this.#revoked.push({ serial: serial.toUpperCase(), at: Math.floor(Date.now() / 1000) });
    this.#writeRevocationList();
  }

  #writeRevocationList(): void {
    const list = { number: this.#revoked.length + 1, revoked: this.#revoked };
    const text = binding.signRevocationList(this.#authority, list, validity(TODAY));
    writeFileSync(this.crl, text);
  }
}

/** A file with a key that both sides may have. */
export function preSharedKeyFile(identity = 'lab', byte = '5a'): string {
  const path = join(temporaryFolder(), 'lab.key');
  writeFileSync(path, `${identity}:${byte.repeat(32)}\n`);
  chmodSync(path, 0o600);
  return path;
}
