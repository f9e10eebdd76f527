import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { MAX_DESCRIPTION_BYTES, MAX_SPACES } from '../../src/protocol/messages.js';
import type { SourceOptions } from '../../src/source/options.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { HeldGuest, heldGuest } from '../support/held-guest.js';

/** A server that is no destination; answers its port. */
async function serverThat(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

async function portThatNobodyListensOn(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function preambleAnswer(fields: { version?: number; status?: number; magic?: string }): Buffer {
  const { magic, version, preambleReplyBytes } = binding.protocolConstants();
  const answer = Buffer.alloc(preambleReplyBytes);
  answer.set(fields.magic === undefined ? magic : Buffer.from(fields.magic));
  answer.writeUInt16LE(fields.version ?? version, 8);
  answer.writeUInt16LE(fields.status ?? 0, 10);
  return answer;
}

/** Migrates to there, which must fail, with the guest none the worse for it. */
async function refusalOf(port: number, options: Partial<SourceOptions> = {}) {
  const guest = await startGuest({ memoryBytes: MIB });
  const error = await failureOf(sourceFor(guest, port, options).migrate());
  expect(error.report).toMatchObject({ outcome: 'failed', guestLocation: 'source' });
  expect(error.message.split('\n')).toHaveLength(1);
  await expectUnharmed(guest);
  return error;
}

describe.concurrent('a source whose destination', () => {
  it('is at a link-local address without its interface says how to write it', async () => {
    const error = await refusalOf(7777, { host: 'fe80::1', insecure: true });
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('[fe80::1%eth0]:7777'),
    });
  });

  it('is not there says that nothing listens', async () => {
    const port = await portThatNobodyListensOn();
    const error = await refusalOf(port);
    expect(error).toMatchObject({ code: 'UNREACHABLE', peer: `127.0.0.1:${port}` });
    expect(error.message).toContain(`nothing listens at 127.0.0.1:${port}`);
  });

  it('has no address says so', async () => {
    const error = await refusalOf(1, { host: 'no-such-host.invalid', insecure: true });
    expect(error.code).toBe('UNREACHABLE');
    expect(error.message).toContain('no-such-host.invalid');
  });

  it('takes the connection and says nothing does not wait for ever', async () => {
    const port = await serverThat(() => {});
    expect((await refusalOf(port, { connectMs: 200 })).code).toBe('UNREACHABLE');
  });

  it('speaks HTTP says that it is something else', async () => {
    const port = await serverThat((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await refusalOf(port)).code).toBe('NOT_PAGEFERRY');
  });

  it('hangs up at once says that it is something else', async () => {
    const port = await serverThat((socket) => socket.destroy());
    expect((await refusalOf(port)).code).toBe('NOT_PAGEFERRY');
  });

  it('speaks another version names both', async () => {
    const port = await serverThat((socket) =>
      socket.end(preambleAnswer({ version: 9, status: 1 })),
    );
    const error = await refusalOf(port);
    expect(error.code).toBe('VERSION_MISMATCH');
    expect(error.message).toMatch(/version 9 .* version 2/);
  });

  it('speaks another version whose answer is shorter names both', async () => {
    const answer = preambleAnswer({ version: 1, status: 1 });
    const port = await serverThat((socket) => socket.end(answer.subarray(0, 16)));
    const error = await refusalOf(port);
    expect(error.code).toBe('VERSION_MISMATCH');
    expect(error.message).toMatch(/version 1 .* version 2/);
  });

  it('has features that nobody here knows is taken as it is', async () => {
    const answer = preambleAnswer({});
    answer.fill(0xff, 16);
    const port = await serverThat((socket) => void socket.write(answer));
    // Past the preamble: what comes next does not come.
    expect((await refusalOf(port, { stallMs: 1000 })).code).toBe('PEER_SILENT');
  });

  it('knows a migration of that id says so', async () => {
    const port = await serverThat((socket) => socket.end(preambleAnswer({ status: 5 })));
    const migrationId = '00112233445566778899aabbccddeeff';
    const error = await refusalOf(port, { migrationId });
    expect(error).toMatchObject({ code: 'ID_IN_USE', report: { migrationId } });
  });

  it('has no place says so', async () => {
    const port = await serverThat((socket) => socket.end(preambleAnswer({ status: 3 })));
    expect((await refusalOf(port)).code).toBe('BUSY');
  });

  it('accepts, and then talks nonsense, is a breach of protocol', async () => {
    const port = await serverThat((socket) => {
      socket.write(preambleAnswer({}));
      socket.write(Buffer.alloc(64, 0xff));
    });
    expect((await refusalOf(port)).code).toBe('PROTOCOL');
  });

  it('accepts, and then says nothing, is silent', async () => {
    const port = await serverThat((socket) => void socket.write(preambleAnswer({})));
    expect((await refusalOf(port, { stallMs: 1000 })).code).toBe('PEER_SILENT');
  });

  it('accepts, and then hangs up, is gone', async () => {
    const port = await serverThat((socket) => void socket.end(preambleAnswer({})));
    expect((await refusalOf(port)).code).toBe('PEER_GONE');
  });
});

describe('a guest whose description', () => {
  const describedBy = (bytes: number) =>
    Object.assign(heldGuest(), { describe: () => new Uint8Array(bytes) });

  it('is longer than a migration takes is refused by its source, which says the limit', async () => {
    const receiving = await Receiving.start();
    const guest = describedBy(MAX_DESCRIPTION_BYTES + 1);
    expect(await failureOf(migrate(guest, receiving.port))).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/65537 bytes .* at most 65536/),
      report: { guestLocation: 'source' },
    });
    expect(guest.isRunning).toBe(true);
  });

  it('is as long as that arrives, with as many regions as a guest may have', async () => {
    const lengths: number[] = [];
    const receiving = await Receiving.start({
      createGuest: async (memory, description) => {
        lengths.push(description.byteLength);
        return new HeldGuest(memory);
      },
    });
    const memory = createGuestMemory(Array.from({ length: MAX_SPACES }, () => 4096));
    atEnd(() => memory.release());
    const guest = Object.assign(new HeldGuest(memory), {
      describe: () => new Uint8Array(MAX_DESCRIPTION_BYTES),
    });
    expect(await migrate(guest, receiving.port)).toMatchObject({ outcome: 'completed' });
    expect(lengths).toEqual([MAX_DESCRIPTION_BYTES]);
  });
});
