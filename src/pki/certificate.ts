/** What a certificate in PEM says. */
import { X509Certificate } from 'node:crypto';
import { parseHostName } from './names.js';

export interface CertificateFacts {
  /** The common name. */
  readonly name: string;
  /** Every DNS name and IP address that it is for. */
  readonly names: readonly string[];
  /** Hexadecimal, in capitals. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Throws what node:crypto throws when it is none. */
export function readCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  // `certificate.subject` escapes some characters.
  const { CN = '' } = certificate.toLegacyObject().subject;
  return {
    name: [CN].flat().join(', '),
    names: namesOf(certificate.subjectAltName),
    serial: certificate.serialNumber,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
  };
}

/** `DNS:host-a, IP Address:10.0.0.1`. None of the names that we issue has a comma, so none is quoted. */
function namesOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  return text.split(', ').map((entry) => parseHostName(entry.replace(/^(?:DNS|IP Address):/, '')));
}
