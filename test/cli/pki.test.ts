/** A lab's certificates, as `pageferry pki` makes them and as peers judge them. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { createAuthority } from '../../src/pki/create-authority.js';
import { issueCertificate } from '../../src/pki/issue-certificate.js';
import { revokeCertificate } from '../../src/pki/revoke-certificate.js';
import { atEnd } from '../support/at-end.js';
import { temporaryFolder } from '../support/traces.js';
import { pageferryHere } from './in-process.js';
import { type Ended, pageferry } from './pageferry.js';

const CONNECTED = 'connected by TLSv1.3';
const DAY_SECONDS = 24 * 3600;
const isRoot = process.getuid?.() === 0;

async function pki(...args: string[]): Promise<Ended> {
  return await pageferryHere('pki', ...args);
}

/** In a process of its own: several at once, and what is written past the stream of stdout. */
async function pkiProcess(...args: string[]): Promise<Ended> {
  return await pageferry('pki', ...args);
}

/** What it said on stdout, once all went well. */
async function wentWell(ending: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await ending;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

async function done(...args: string[]): Promise<string> {
  return await wentWell(pki(...args));
}

/** What `pki list --json` prints, as far as it is looked at by name. */
interface Listed {
  readonly version: number;
  readonly authority: { readonly notBefore: string; readonly notAfter: string };
  readonly certificates: readonly { readonly name: string; readonly revokedAt: string | null }[];
}

async function listed(lab: string): Promise<Listed> {
  return JSON.parse(await wentWell(pkiProcess('list', lab, '--json')));
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await pki(...args);
  expect(stderr).toMatch(/^pageferry: USAGE: [^\n]+\n$/);
  expect(stdout).toBe('');
  expect(code).toBe(2);
  return stderr;
}

async function newAuthority(...args: string[]): Promise<string> {
  const lab = join(temporaryFolder(), 'lab');
  await done('init', lab, ...args);
  return lab;
}

const text = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const certificateIn = (...path: string[]): X509Certificate => new X509Certificate(text(...path));
const modeOf = (...path: string[]): number => statSync(join(...path)).mode & 0o777;

/** Every file below a folder, with its content. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true }) as string[];
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, text(folder, name)]));
}

interface Peer {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly crl: string;
}

/** What a host has, from the folder that was made for it. */
function peerFrom(folder: string, name: string): Peer {
  return {
    cert: text(folder, `${name}.pem`),
    key: text(folder, `${name}-key.pem`),
    ca: text(folder, 'ca.pem'),
    crl: text(folder, 'crl.pem'),
  };
}

/** `connected` once a byte has come over TLS 1.3 with both certificates; else which side refuses, and why. */
async function meet(server: Peer, client: Peer, servername?: string): Promise<string> {
  // With rejectUnauthorized a server of node:tls keeps the reason to itself.
  const asServer = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false } as const;
  const listener = createServer({ ...server, ...asServer });
  atEnd(() => listener.close());
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const name = servername === undefined ? {} : { servername };
  return await new Promise((resolve) => {
    listener.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      if (socket.authorized) socket.end('x');
      else resolve(`server: ${socket.authorizationError}`);
      socket.end();
    });
    const socket = connect({ ...client, ...name, host: '127.0.0.1', port });
    socket.on('data', () => resolve(`connected by ${socket.getProtocol()}`));
    socket.on('error', (error) => resolve(`client: ${codeOf(error)}`));
  });
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}

describe.concurrent('pageferry pki', () => {
  it('makes a CA for its owner alone, and says what to do next', async () => {
    const lab = join(temporaryFolder(), 'lab');
    const said = await done('init', lab);
    expect(said).toContain(`pageferry pki issue ${lab} NAME...`);
    expect(Object.keys(contents(lab))).toEqual(['ca-key.pem', 'ca.pem', 'crl.pem']);
    expect(modeOf(lab)).toBe(0o700);
    expect(modeOf(lab, 'issued')).toBe(0o700);
    for (const name of ['ca-key.pem', 'ca.pem', 'crl.pem']) expect(modeOf(lab, name)).toBe(0o600);
    const ca = certificateIn(lab, 'ca.pem');
    expect(ca.ca).toBe(true);
    expect(ca.checkIssued(ca)).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(text(lab, 'ca-key.pem')))).toBe(true);
  });

  it('gives a CA the name and the days that it is told', async () => {
    const name = 'Raum 12, "Süd" \\ <links>';
    const lab = await newAuthority('--name', name, '--days', '30');
    const { authority } = await listed(lab);
    expect(authority).toMatchObject({ name, expired: false });
    const seconds = (Date.parse(authority.notAfter) - Date.parse(authority.notBefore)) / 1000;
    expect(seconds).toBe(30 * DAY_SECONDS + 3600);
  });

  it('takes a folder that is there and empty, and closes it to others', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    await done('init', folder);
    expect(modeOf(folder)).toBe(0o700);
  });

  it('issues what node:crypto takes for the certificate of that host', async () => {
    const lab = await newAuthority();
    const out = join(lab, '..', 'host-a');
    const names = ['host-a', 'host-a.example', '10.0.0.1', 'fd00::1'];
    await done('issue', lab, ...names, '--out', out, '--days', '10');
    expect(readdirSync(out).sort()).toEqual(['ca.pem', 'crl.pem', 'host-a-key.pem', 'host-a.pem']);
    expect(modeOf(out)).toBe(0o700);
    for (const name of readdirSync(out)) expect(modeOf(out, name)).toBe(0o600);
    const ca = certificateIn(out, 'ca.pem');
    const host = certificateIn(out, 'host-a.pem');
    expect(host.checkIssued(ca)).toBe(true);
    expect(host.verify(ca.publicKey)).toBe(true);
    expect(host.ca).toBe(false);
    expect(host.checkPrivateKey(createPrivateKey(text(out, 'host-a-key.pem')))).toBe(true);
    expect(host.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    // serverAuth and clientAuth.
    expect(host.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    for (const name of ['host-a', 'host-a.example']) expect(host.checkHost(name)).toBe(name);
    for (const address of ['10.0.0.1', 'fd00::1']) expect(host.checkIP(address)).toBe(address);
    expect(host.checkHost('host-b')).toBeUndefined();
    expect(host.checkIP('10.0.0.2')).toBeUndefined();
    const copies = readdirSync(join(lab, 'issued'));
    expect(copies).toEqual([`host-a-${host.serialNumber}.pem`]);
    expect(text(lab, 'issued', copies[0] ?? '')).toBe(text(out, 'host-a.pem'));
  });

  it('puts the files beside those of the CA where it is told no other folder', async () => {
    const lab = await newAuthority();
    await done('issue', lab, 'host-a');
    await done('issue', lab, 'fd00::1');
    expect(Object.keys(contents(lab)).filter((name) => !name.startsWith('issued'))).toEqual([
      'ca-key.pem',
      'ca.pem',
      'crl.pem',
      'fd00::1-key.pem',
      'fd00::1.pem',
      'host-a-key.pem',
      'host-a.pem',
    ]);
  });

  it('lists what was issued, what was revoked and what has expired', async () => {
    const lab = await newAuthority();
    expect(await done('list', lab)).toMatch(/issued nothing yet/);
    await done('issue', lab, 'host-a', 'fd00::1', '--out', join(lab, '..', 'a'));
    await done('issue', lab, 'host-b', '--out', join(lab, '..', 'b'));
    await done('revoke', lab, 'host-a');
    const now = Math.floor(Date.now() / 1000);
    const old = issuedBy(lab, ['old'], { begin: now - 7200, end: now - 3600 });
    writeFileSync(join(lab, 'issued', 'old-1.pem'), old.certificate);
    const { version, certificates } = await listed(lab);
    expect(version).toBe(1);
    expect(certificates).toMatchObject([
      { name: 'old', names: ['old'], revokedAt: null, expired: true },
      {
        name: 'host-a',
        names: ['host-a', 'fd00::1'],
        serial: certificateIn(lab, '../a/host-a.pem').serialNumber,
        revokedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        expired: false,
      },
      { name: 'host-b', names: ['host-b'], revokedAt: null, expired: false },
    ]);
    const table = await done('list', lab);
    expect(table).toMatch(/old .* expired/);
    expect(table).toMatch(/host-a .* revoked/);
    expect(table).toMatch(/host-b .* in force/);
    expect(table.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('writes a pre-shared key that is another each time', async () => {
    const folder = temporaryFolder();
    await done('psk', join(folder, 'a'));
    await done('psk', join(folder, 'b'), '--identity', 'room-12');
    expect(text(folder, 'a')).toMatch(/^pageferry:[0-9a-f]{64}\n$/);
    expect(text(folder, 'b')).toMatch(/^room-12:[0-9a-f]{64}\n$/);
    expect(text(folder, 'a').split(':')[1]).not.toBe(text(folder, 'b').split(':')[1]);
    expect(modeOf(folder, 'a')).toBe(0o600);
  });
});

function issuedBy(
  lab: string,
  names: readonly string[],
  validity: { begin: number; end: number },
): { certificate: string; key: string } {
  const authority = { certificate: text(lab, 'ca.pem'), key: text(lab, 'ca-key.pem') };
  return binding.issueCertificate(authority, names, validity);
}

describe.concurrent('certificates between a server and a client of node:tls', () => {
  /** A host with a new certificate, and what the CA has revoked by now. */
  async function host(lab: string, name: string): Promise<Peer> {
    const out = join(lab, '..', `${name}-${readdirSync(join(lab, 'issued')).length}`);
    await issueCertificate(lab, { names: [name, '127.0.0.1'], days: undefined, out });
    return peerFrom(out, name);
  }

  async function hosts(): Promise<{ lab: string; a: Peer; b: Peer }> {
    const lab = join(temporaryFolder(), 'lab');
    createAuthority(lab, 'Lab', 10);
    return { lab, a: await host(lab, 'host-a'), b: await host(lab, 'host-b') };
  }

  it('connect two hosts of one CA, each in either role', async () => {
    const { a, b } = await hosts();
    expect(await meet(a, b)).toBe(CONNECTED);
    expect(await meet(b, a)).toBe(CONNECTED);
    expect(await meet(b, a, 'host-b')).toBe(CONNECTED);
  });

  it('do not stand for another host', async () => {
    const { a, b } = await hosts();
    expect(await meet(b, a, 'host-c')).toBe('client: ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('of another CA are refused by either side, even where the CA has the same name', async () => {
    const [{ a }, { b: foreign }] = await Promise.all([hosts(), hosts()]);
    expect(
      await meet({ ...a, ca: foreign.ca, crl: foreign.crl }, { ...foreign, ca: a.ca, crl: a.crl }),
    ).toBe(CONNECTED);
    expect(await meet(a, { ...foreign, ca: a.ca, crl: a.crl })).toMatch(/^server: /);
    expect(await meet({ ...foreign, ca: a.ca, crl: a.crl }, a)).toMatch(/^client: /);
  });

  it('that have expired are refused by either side', async () => {
    const { lab, a, b } = await hosts();
    const now = Math.floor(Date.now() / 1000);
    const { certificate, key } = issuedBy(lab, ['old', '127.0.0.1'], {
      begin: now - 7200,
      end: now - 3600,
    });
    const old = { ...b, cert: certificate, key };
    expect(await meet(a, old)).toBe('server: CERT_HAS_EXPIRED');
    expect(await meet(old, a)).toBe('client: CERT_HAS_EXPIRED');
  });

  it('that were revoked are refused by whoever has the new list', async () => {
    const { lab, a, b } = await hosts();
    const said = await done('revoke', lab, 'host-b');
    expect(said).toMatch(/copy .*crl\.pem/);
    expect(said).toMatch(/reload/);
    const told = { ...a, crl: text(lab, 'crl.pem') };
    expect(await meet(a, b)).toBe(CONNECTED);
    expect(await meet(told, b)).toBe('server: CERT_REVOKED');
    expect(await meet(b, told)).toBe('client: CERT_REVOKED');
    expect(await meet(told, { ...a })).toBe(CONNECTED);
  });

  it('replace one that was revoked, under the same name', async () => {
    const { lab, a, b } = await hosts();
    await revokeCertificate(lab, 'host-a');
    const told = { ...b, crl: text(lab, 'crl.pem') };
    expect(await meet(told, a)).toBe('server: CERT_REVOKED');
    expect(await meet(told, await host(lab, 'host-a'))).toBe(CONNECTED);
  });
});

describe.concurrent('pageferry pki changes nothing where it cannot do all of it', () => {
  it('init: in a folder that has a CA, or anything else', async () => {
    const lab = await newAuthority();
    const before = contents(lab);
    expect(await refused('init', lab)).toMatch(/is not empty, and nothing in it is overwritten/);
    expect(contents(lab)).toEqual(before);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    await refused('init', folder);
    await refused('init', join(folder, 'file'));
    await refused('init', join(folder, 'missing', 'lab'));
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('issue: a name that has a certificate, a file that is there, a folder of another CA', async () => {
    const [lab, other] = await Promise.all([newAuthority(), newAuthority()]);
    const out = join(lab, '..', 'out');
    await done('issue', lab, 'host-a', '--out', out);
    writeFileSync(join(out, 'host-b-key.pem'), 'precious');
    const before = [contents(lab), contents(out), contents(other)];
    expect(await refused('issue', lab, 'host-a', '--out', join(lab, '..', 'x'))).toMatch(
      /host-a has a certificate already, until .*; to replace it, revoke it first/,
    );
    expect(await refused('issue', lab, 'host-b', '--out', out)).toMatch(
      /host-b-key\.pem is there already and is not overwritten; name another folder with --out/,
    );
    expect(await refused('issue', other, 'host-c', '--out', out)).toMatch(/that of another CA/);
    expect([contents(lab), contents(out), contents(other)]).toEqual(before);
    expect(existsSync(join(lab, '..', 'x'))).toBe(false);
  });

  it('issue: refreshes an older list of the same CA in a folder for several hosts', async () => {
    const lab = await newAuthority();
    const out = join(lab, '..', 'out');
    await done('issue', lab, 'host-a', '--out', out);
    await done('revoke', lab, 'host-a');
    expect(text(out, 'crl.pem')).not.toBe(text(lab, 'crl.pem'));
    await done('issue', lab, 'host-b', '--out', out);
    expect(text(out, 'crl.pem')).toBe(text(lab, 'crl.pem'));
  });

  it('issue: bad names', async () => {
    const lab = await newAuthority();
    const before = contents(lab);
    expect(await refused('issue', lab, 'a', '*.b')).toMatch(/'\*\.b' is no DNS name and no IP/);
    expect(await refused('issue', lab, '../a')).toMatch(/'\.\.\/a' is no DNS name and no IP/);
    expect(await refused('issue', lab, '10.0.0.256')).toMatch(/looks like an IPv4 address/);
    expect(await refused('issue', lab, 'fe80::1%eth0')).toMatch(/names an interface/);
    expect(await refused('issue', lab, 'ca')).toMatch(/what files of the CA are called/);
    expect(contents(lab)).toEqual(before);
  });

  it('issue: days that the CA does not have, and none from a CA that has expired', async () => {
    const lab = await newAuthority('--days', '10');
    expect(await refused('issue', lab, 'a', '--days', '11')).toMatch(
      /no certificate outlives its CA/,
    );
    const now = Math.floor(Date.now() / 1000);
    const over = { begin: now - 7200, end: now - 3600 };
    const expired = binding.createAuthority('Expired', over);
    writeFileSync(join(lab, 'ca.pem'), expired.certificate);
    writeFileSync(join(lab, 'ca-key.pem'), expired.key);
    expect(await refused('issue', lab, 'a')).toMatch(
      /the CA "Expired" expired at .*; make a new one/,
    );
    expect(await refused('revoke', lab, 'a')).toMatch(/the CA "Expired" expired at/);
  });

  it('revoke: what was never issued, or was revoked already', async () => {
    const lab = await newAuthority();
    await done('issue', lab, 'host-a', '10.0.0.1');
    await done('revoke', lab, 'HOST-A');
    await done('issue', lab, 'host-b', '10.0.0.2');
    const before = contents(lab);
    expect(await refused('revoke', lab, 'host-a')).toMatch(/host-a was revoked already, at 2/);
    expect(await refused('revoke', lab, 'host-c')).toMatch(/no certificate has been issued for/);
    expect(await refused('revoke', lab, '10.0.0.2')).toMatch(
      /10\.0\.0\.2 is a name of the certificate host-b: revoke that/,
    );
    expect(contents(lab)).toEqual(before);
  });

  it('with damaged or foreign files of a CA, and says which', async () => {
    const lab = await newAuthority();
    const other = await newAuthority();
    const crl = text(lab, 'crl.pem');
    writeFileSync(join(lab, 'crl.pem'), text(other, 'crl.pem'));
    expect(await refused('list', lab)).toMatch(/crl\.pem: .*not signed by this CA/);
    expect(await refused('issue', lab, 'a')).toMatch(/crl\.pem: .*not signed by this CA/);
    writeFileSync(join(lab, 'crl.pem'), crl);
    const key = text(lab, 'ca-key.pem');
    writeFileSync(join(lab, 'ca-key.pem'), text(other, 'ca-key.pem'));
    expect(await refused('issue', lab, 'a')).toMatch(
      /ca-key\.pem: the key is not that of the cert/,
    );
    writeFileSync(join(lab, 'ca-key.pem'), key);
    writeFileSync(join(lab, 'issued', 'a.pem'), 'nothing');
    expect(await refused('list', lab)).toMatch(/issued\/a\.pem is no certificate/);
  });

  it('psk: over a file that is there', async () => {
    const file = join(temporaryFolder(), 'psk');
    await done('psk', file);
    const before = text(file);
    expect(await refused('psk', file)).toMatch(/is there already and is not overwritten/);
    expect(text(file)).toBe(before);
  });

  it('loses nothing of what several commands do to one CA at once', async () => {
    const lab = await newAuthority();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await Promise.all(names.map((name) => wentWell(pkiProcess('issue', lab, name))));
    await Promise.all(names.map((name) => wentWell(pkiProcess('revoke', lab, name))));
    const { certificates } = await listed(lab);
    expect(certificates.map(({ name }) => name).sort()).toEqual(names);
    for (const { revokedAt } of certificates) expect(revokedAt).not.toBeNull();
    const out = (at: number): string => join(lab, '..', String(at));
    const codes = await Promise.all(
      names.map(async (_, at) => (await pkiProcess('issue', lab, 'same', '--out', out(at))).code),
    );
    expect(codes.sort()).toEqual([0, 2, 2, 2, 2, 2]);
  });
});

/** A file system of so many pages, in memory. */
function smallFileSystem(pages: number): string {
  const folder = temporaryFolder();
  const size = `size=${pages * 4096}`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', `${size},mode=700`, 'pageferry-test', folder]);
  atEnd(() => execFileSync('umount', [folder]));
  return folder;
}

/** Leaves so many pages free. */
function fill(folder: string, free: number): void {
  const ballast = join(folder, 'ballast');
  writeFileSync(ballast, '');
  writeFileSync(ballast, Buffer.alloc((Number(statfsSync(folder).bfree) - free) * 4096));
}

const notRoot = isRoot ? '' : ' (only root can mount a small file system)';

describe.skipIf(!isRoot)(`pageferry pki on a file system${notRoot}`, () => {
  it('that is full at any of its files: nothing is changed', async () => {
    const disk = smallFileSystem(64);
    const lab = join(disk, 'lab');
    for (const free of [0, 1, 2]) {
      fill(disk, free);
      const { code, stderr } = await pki('init', lab);
      expect(stderr).toMatch(/^pageferry: SYSTEM: cannot write .*nothing was changed: ENOSPC/);
      expect(code).toBe(1);
      expect(readdirSync(disk)).toEqual(['ballast']);
    }
    fill(disk, 3);
    await done('init', lab);
    const before = contents(lab);
    for (const free of [0, 1, 2, 3, 4]) {
      fill(disk, free);
      const { code, stderr } = await pki('issue', lab, 'host-a', '--out', join(disk, 'out'));
      expect(stderr).toMatch(/ENOSPC/);
      expect(code).toBe(1);
      expect(contents(lab)).toEqual(before);
      expect(readdirSync(disk).sort()).toEqual(['ballast', 'lab']);
    }
    fill(disk, 5);
    await done('issue', lab, 'host-a', '--out', join(disk, 'out'));
    fill(disk, 0);
    const issued = contents(lab);
    expect((await pki('revoke', lab, 'host-a')).stderr).toMatch(/ENOSPC/);
    expect((await pki('psk', join(disk, 'psk'))).stderr).toMatch(/ENOSPC/);
    expect(contents(lab)).toEqual(issued);
    expect(readdirSync(disk).sort()).toEqual(['ballast', 'lab', 'out']);
  });

  it('that may only be read: it says so, and still lists', async () => {
    const disk = smallFileSystem(64);
    const lab = join(disk, 'lab');
    await done('init', lab);
    await done('issue', lab, 'host-a');
    mkdirSync(join(disk, 'empty'));
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    for (const command of [
      ['init', join(disk, 'other')],
      ['init', join(disk, 'empty')],
      ['issue', lab, 'host-b'],
      ['revoke', lab, 'host-a'],
      ['psk', join(disk, 'psk')],
    ]) {
      const { code, stderr } = await pki(...command);
      expect(stderr).toMatch(/^pageferry: NO_PERMISSION: .*EROFS/);
      expect(code).toBe(1);
    }
    expect(await done('list', lab)).toMatch(/host-a .* in force/);
  });
});
