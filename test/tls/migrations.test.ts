/** Migrations over TLS: whom either side takes, and what the one that is refused is told. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TlsOptions } from '../../src/options/security.js';
import { Source } from '../../src/source/source.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { takeAnything } from '../support/any-guest.js';
import { Receiving } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Lab, preSharedKeyFile } from '../support/lab.js';
import { RawClient } from '../support/raw-client.js';
import { temporaryFolder } from '../support/traces.js';
import { rejection, until } from '../support/until.js';

const LOCAL = ['destination', '127.0.0.1', 'localhost'] as const;

async function destinationWith(tls: TlsOptions | undefined): Promise<Receiving> {
  return await Receiving.start({
    createGuest: takeAnything,
    ...(tls === undefined ? {} : { tls }),
  });
}

async function migrate(
  port: number,
  tls: TlsOptions | undefined,
  options: Partial<ConstructorParameters<typeof Source>[1]> = {},
) {
  const guest = await startGuest({ memoryBytes: 16 * MIB, workload: 'uniform' });
  const secured = tls === undefined ? {} : { tls };
  const source = new Source(guest, {
    host: '127.0.0.1',
    port,
    strategy: 'pre-copy',
    verify: true,
    ...secured,
    ...options,
  });
  return { guest, migration: source.migrate() };
}

async function expectVerified(port: number, tls: TlsOptions, options = {}): Promise<void> {
  const { migration } = await migrate(port, tls, options);
  expect((await migration).guestVerified).toBe(true);
}

const revokedSerial = (files: { readonly certificate: string }) =>
  new X509Certificate(readFileSync(files.certificate)).serialNumber;

describe('a migration over TLS', () => {
  it.each(STRATEGY_NAMES)(
    'with certificates on both sides moves a guest by %s',
    async (strategy) => {
      const lab = new Lab();
      const receiving = await destinationWith(lab.host(LOCAL));
      await expectVerified(receiving.port, lab.host(['source']), { strategy, channels: 4 });
      expect(receiving.strangers).toEqual([]);
    },
  );

  it.each(STRATEGY_NAMES)(
    'with a key that both sides have moves a guest by %s',
    async (strategy) => {
      const preSharedKey = preSharedKeyFile();
      const receiving = await destinationWith({ preSharedKey });
      await expectVerified(receiving.port, { preSharedKey }, { strategy, compression: 'lz4' });
    },
  );

  it('goes over a Unix-domain socket, where the name has to be said', async () => {
    const lab = new Lab();
    const path = join(temporaryFolder(), 'tls.sock');
    await Receiving.start({ createGuest: takeAnything, path, tls: lab.host(LOCAL) });
    const tls = { ...lab.host(['source']), serverName: 'destination' };
    const guest = await startGuest({ memoryBytes: 4 * MIB, workload: 'idle' });
    const report = await new Source(guest, {
      path,
      strategy: 'hybrid',
      verify: true,
      tls,
    }).migrate();
    expect(report.guestVerified).toBe(true);
  });

  it('takes those whose names are allowed', async () => {
    const lab = new Lab();
    const receiving = await destinationWith({
      ...lab.host(LOCAL),
      allowedPeers: ['other', 'mine'],
    });
    await expectVerified(receiving.port, lab.host(['mine']));
  });
});

/** The side that is refused, or refuses, says this; the destination's log says that. */
interface Refusal {
  readonly what: string;
  readonly destination: (lab: Lab) => TlsOptions | undefined;
  readonly source: (lab: Lab) => TlsOptions | undefined;
  readonly code: string;
  readonly says: RegExp;
  readonly log?: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a source whose certificate has expired',
    destination: (lab) => lab.host(LOCAL),
    // Its own file is judged before anybody is asked.
    source: (lab) => lab.host(['late'], { from: -2, until: -1 }),
    code: 'USAGE',
    says: /late\.pem.*expired/,
  },
  {
    what: 'a source of another CA',
    destination: (lab) => lab.host(LOCAL),
    source: (lab) => ({ ...new Lab('Another lab').host(['foreign']), ca: lab.ca, crl: lab.crl }),
    code: 'UNTRUSTED',
    says: /refuses this side's certificate: its CA is another one/,
    log: /CA/,
  },
  {
    what: 'a destination of another CA',
    destination: (lab) => ({ ...new Lab('Another lab').host(LOCAL), ca: lab.ca, crl: lab.crl }),
    source: (lab) => lab.host(['source']),
    code: 'UNTRUSTED',
    says: /CA/,
  },
  {
    what: 'a destination with another name',
    destination: (lab) => lab.host(['elsewhere']),
    source: (lab) => lab.host(['source']),
    code: 'UNTRUSTED',
    says: /elsewhere/,
  },
  {
    what: 'a source whose name is not allowed',
    destination: (lab) => ({ ...lab.host(LOCAL), allowedPeers: ['friend'] }),
    source: (lab) => lab.host(['stranger']),
    code: 'UNTRUSTED',
    says: /none of the peers that are allowed/,
    log: /stranger/,
  },
  {
    what: 'a source with a key at a destination with certificates',
    destination: (lab) => lab.host(LOCAL),
    source: () => ({ preSharedKey: preSharedKeyFile() }),
    code: 'UNTRUSTED',
    says: /./,
  },
  {
    what: 'a source with another key of the same identity',
    destination: () => ({ preSharedKey: preSharedKeyFile('lab', '01') }),
    source: () => ({ preSharedKey: preSharedKeyFile('lab', '02') }),
    code: 'UNTRUSTED',
    says: /another pre-shared key of this identity/,
  },
  {
    what: 'a source with a key of another identity',
    destination: () => ({ preSharedKey: preSharedKeyFile('ours') }),
    source: () => ({ preSharedKey: preSharedKeyFile('theirs') }),
    code: 'UNTRUSTED',
    says: /no pre-shared key of this identity/,
  },
  {
    what: 'a source without TLS at a destination with it',
    destination: (lab) => lab.host(LOCAL),
    source: () => undefined,
    code: 'NOT_PAGEFERRY',
    says: /A destination with TLS does the same/,
    log: /TLS/,
  },
  {
    what: 'a source with TLS at a destination without it',
    destination: () => undefined,
    source: (lab) => lab.host(['source']),
    code: 'NOT_PAGEFERRY',
    says: /it may be one without TLS/,
    log: /another protocol/,
  },
];

describe('nothing arrives, and the guest stays, from', () => {
  it.each(REFUSALS)('$what', async ({ destination, source, code, says, log }) => {
    const lab = new Lab();
    const receiving = await destinationWith(destination(lab));
    const refused = await rejection(
      migrate(receiving.port, source(lab)).then(({ migration }) => migration),
    );
    expect(refused).toMatchObject({ code, message: expect.stringMatching(says) });
    if (log !== undefined) {
      await until('the destination tells of it', () => receiving.strangers.length > 0);
      expect(receiving.strangers[0]).toMatch(log);
    }
    expect(receiving.arrived).toEqual([]);
    expect(receiving.destination.migrations).toBe(0);
  });

  it('whoever was revoked, once the destination has read the list again', async () => {
    const lab = new Lab();
    const receiving = await destinationWith(lab.host(LOCAL));
    const lost = lab.host(['lost']);
    await expectVerified(receiving.port, lost);
    lab.revoke(revokedSerial(lost));
    receiving.destination.reloadCredentials();
    // A source with a list of its own would not use its certificate either.
    const { crl: _, ...withoutList } = lost;
    const { guest, migration } = await migrate(receiving.port, withoutList);
    const refused = await rejection(migration);
    expect(refused).toMatchObject({
      code: 'UNTRUSTED',
      message: expect.stringMatching(/revoked/),
    });
    await expectUnharmed(guest);
  });
});

describe('credentials', () => {
  it('that are not good any more leave those in use that were', async () => {
    const lab = new Lab();
    const files = lab.host(LOCAL);
    const receiving = await destinationWith(files);
    writeFileSync(files.certificate, 'nonsense');
    expect(() => receiving.destination.reloadCredentials()).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(/^the certificates in use stay: .*destination\.pem/),
      }),
    );
    await expectVerified(receiving.port, lab.host(['source']));
  });

  it('are looked at before anything else is done', async () => {
    const lab = new Lab();
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    const missing = { ...lab.host(['a']), key: join(lab.folder, 'nowhere.pem') };
    expect(
      () => new Source(guest, { host: 'x', port: 1, strategy: 'pre-copy', tls: missing }),
    ).toThrow(expect.objectContaining({ message: expect.stringContaining('nowhere.pem') }));
  });
});

describe('without TLS', () => {
  it.each(['10.0.0.1', 'other-host', '0.0.0.0', '::', '128.0.0.1', 'localhost.example'])(
    'no guest goes to %s unless that is meant',
    async (host) => {
      const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
      const options = { host, port: 1, strategy: 'pre-copy' } as const;
      expect(() => new Source(guest, options)).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--insecure') }),
      );
      expect(() => new Source(guest, { ...options, insecure: true })).not.toThrow();
    },
  );

  it('nobody is let in from elsewhere unless that is meant', async () => {
    await expect(Receiving.start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'USAGE' });
    await Receiving.start({ host: '0.0.0.0', insecure: true });
  });

  it.each(['localhost', '127.0.0.1', '127.255.0.3', '::1'])('a guest goes to %s', async (host) => {
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    expect(() => new Source(guest, { host, port: 1, strategy: 'pre-copy' })).not.toThrow();
  });
});

it('a stranger at a destination with TLS is told nothing at all', async () => {
  const receiving = await destinationWith(new Lab().host(LOCAL));
  const client = await RawClient.connect(receiving.port);
  let heard = 0;
  client.socket.on('data', (chunk: Buffer) => {
    heard += chunk.byteLength;
  });
  client.socket.write('PGFERRY\n');
  await client.closed();
  expect(heard).toBe(0);
  expect(receiving.destination.migrations).toBe(0);
});
