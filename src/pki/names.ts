/** What hosts, authorities and pre-shared keys may be called. Each function answers the name as it is used, or throws USAGE. */
import { isIP, SocketAddress } from 'node:net';
import { PageferryError } from '../errors.js';

/** Of a common name (RFC 5280, appendix A.1). */
const LONGEST_COMMON_NAME = 64;
const LONGEST_DNS_NAME = 253;
const LONGEST_IDENTITY = 128;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Their files have names of their own beside those of the hosts. */
const TAKEN_BY_THE_CA = ['ca', 'ca-key', 'crl'];

function wrong(text: string, why: string): PageferryError {
  return new PageferryError('USAGE', `'${text}' ${why}`);
}

/** A DNS name in small letters, or an IP address in its shortest form. */
export function parseHostName(text: string): string {
  const version = isIP(text);
  if (version !== 0) {
    if (text.includes('%')) {
      throw wrong(text, 'names an interface, which a certificate cannot: leave out % and the rest');
    }
    return new SocketAddress({ address: text, family: version === 4 ? 'ipv4' : 'ipv6' }).address;
  }
  const name = text.toLowerCase();
  const labels = name.split('.');
  if (name.length > LONGEST_DNS_NAME || !labels.every((label) => DNS_LABEL.test(label))) {
    throw wrong(
      text,
      'is no DNS name and no IP address: expected letters, digits and hyphens between dots, such as host-a.example, or an address such as 10.0.0.1 or fd00::1',
    );
  }
  if (/^\d+$/.test(labels.at(-1) ?? '')) {
    throw wrong(text, 'looks like an IPv4 address and is none, because its last part is a number');
  }
  return name;
}

/** The names of one certificate, each once; the first is also its common name and the name of its files. */
export function parseHostNames(texts: readonly string[]): readonly [string, ...string[]] {
  const [first, ...others] = new Set(texts.map(parseHostName));
  if (first === undefined) throw new PageferryError('USAGE', 'a certificate needs a name');
  if (first.length > LONGEST_COMMON_NAME) {
    throw wrong(
      first,
      `has more than ${LONGEST_COMMON_NAME} characters, too many for a common name: put a shorter name first`,
    );
  }
  if (TAKEN_BY_THE_CA.includes(first)) {
    throw wrong(first, 'is what files of the CA are called: put another name first');
  }
  return [first, ...others];
}

export function parseAuthorityName(text: string): string {
  if (text.trim() !== '' && [...text].length <= LONGEST_COMMON_NAME && !/\p{C}/u.test(text)) {
    return text;
  }
  throw new PageferryError(
    'USAGE',
    `expected 1 to ${LONGEST_COMMON_NAME} characters that can be printed, not '${text}'`,
  );
}

/** Of a pre-shared key. The file separates it from the key with a colon. */
export function parseIdentity(text: string): string {
  if (/^[!-9;-~]+$/.test(text) && text.length <= LONGEST_IDENTITY) return text;
  throw new PageferryError(
    'USAGE',
    `expected 1 to ${LONGEST_IDENTITY} characters of ASCII without spaces and colons, not '${text}'`,
  );
}
