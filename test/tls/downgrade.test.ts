/** Nobody on the way talks a destination or a source into less than both can do, or into the same thing twice. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { takeAnything } from '../support/any-guest.js';
import { atEnd } from '../support/at-end.js';
import { closed } from '../support/closed.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Lab } from '../support/lab.js';
import { preamble } from '../support/raw-client.js';
import { until } from '../support/until.js';

const LOCAL = ['destination', '127.0.0.1', 'localhost'] as const;

async function destinationOf(lab: Lab): Promise<Receiving> {
  return await Receiving.start({ createGuest: takeAnything, tls: lab.host(LOCAL) });
}

/** A peer of the lab with a TLS of another make; what it was refused with, or nothing. */
async function refusalOf(
  port: number,
  lab: Lab,
  version: SecureVersion,
): Promise<Error | undefined> {
  const { certificate, key, ca } = lab.host(['source']);
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    servername: 'destination',
    cert: readFileSync(certificate),
    key: readFileSync(key),
    ca: readFileSync(ca),
    minVersion: 'TLSv1.2',
    maxVersion: version,
    ALPNProtocols: ['pageferry/2'],
  });
  atEnd(() => void socket.destroy());
  let refused: Error | undefined;
  socket.on('error', (error) => {
    refused = error;
  });
  socket.on('secureConnect', () => socket.write(preamble()));
  await Promise.race([once(socket, 'close').catch(() => {}), once(socket, 'data').catch(() => {})]);
  return refused;
}

/** What passes from sources to the destination, connection by connection. */
class Recorder {
  readonly heard: Buffer[][] = [];
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  /** `change`: what becomes of the first bytes of a connection. */
  static async start(to: number, change = (chunk: Buffer) => chunk): Promise<Recorder> {
    const sockets: Socket[] = [];
    const server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      const chunks: Buffer[] = [];
      recorder.heard.push(chunks);
      sockets.push(near, far);
      near.on('data', (chunk: Buffer) => {
        far.write(chunks.length === 0 ? change(chunk) : chunk);
        chunks.push(chunk);
      });
      near.on('end', () => far.end());
      far.pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const recorder = new Recorder((server.address() as AddressInfo).port);
    atEnd(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return recorder;
  }
}

describe('a destination with TLS', () => {
  it('speaks TLS 1.3 with whoever has a certificate, and nothing older', async () => {
    const lab = new Lab();
    const receiving = await destinationOf(lab);
    expect(await refusalOf(receiving.port, lab, 'TLSv1.3')).toBeUndefined();
    expect(receiving.strangers).toEqual([]);
    await until('it is a migration', () => receiving.destination.migrations === 1);
    const refused = await refusalOf(receiving.port, lab, 'TLSv1.2');
    expect(refused).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    await until('it is told of', () => receiving.strangers.length > 0);
    expect(receiving.strangers).toEqual([expect.stringMatching(/TLS/)]);
    expect(receiving.destination.migrations).toBe(1);
  });

  it('takes nothing of what was recorded on the way, however it is sent again', async () => {
    const lab = new Lab();
    const receiving = await destinationOf(lab);
    const recorder = await Recorder.start(receiving.port);
    const tls = { ...lab.host(['source']), serverName: 'destination' };
    const guest = await startGuest({ memoryBytes: MIB });
    const report = await sourceFor(guest, recorder.port, { tls, strategy: 'pre-copy' }).migrate();
    expect(report.guestVerified).toBe(true);
    await receiving.nextArrived();
    await until('the migration is over', () => receiving.destination.migrations === 0);
    expect(recorder.heard.length).toBeGreaterThan(2);
    const heard: string[] = [];
    receiving.destination.on('arriving', ({ id }) => heard.push(id));
    for (const chunks of recorder.heard) {
      const socket = connect(receiving.port, '127.0.0.1');
      atEnd(() => void socket.destroy());
      socket.on('error', () => {});
      socket.resume();
      const over = closed(socket);
      socket.write(Buffer.concat(chunks));
      await over;
    }
    await until('each is told of', () => receiving.strangers.length === recorder.heard.length);
    expect(heard).toEqual([]);
    expect(receiving.destination.migrations).toBe(0);
  });
});

describe('without TLS', () => {
  it('a preamble that was changed on its way to version 1 opens nothing, and the guest stays', async () => {
    const receiving = await Receiving.start();
    const recorder = await Recorder.start(receiving.port, (chunk) => {
      const changed = Buffer.from(chunk);
      changed.writeUInt16LE(1, 8);
      return changed;
    });
    const guest = await startGuest({ memoryBytes: MIB });
    const error = await failureOf(sourceFor(guest, recorder.port).migrate());
    expect(error).toMatchObject({
      code: 'NOT_PAGEFERRY',
      report: { guestLocation: 'source' },
    });
    await expectUnharmed(guest);
    expect(receiving.destination.migrations).toBe(0);
  });
});
