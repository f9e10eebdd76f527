import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openLink } from '#bench/links/index.js';
import { ends } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';
import { seededRandom } from '../support/random.js';

const MIB = 2 ** 20;

function randomBytes(bytes: number, seed: number): Buffer {
  const { whole } = seededRandom(seed);
  const words = Uint32Array.from({ length: bytes / 4 }, () => whole(0, 2 ** 32 - 1));
  return Buffer.from(words.buffer);
}

/** What a socket says until it ends. It stays open for what it is told: iterating would close it. */
async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk as Buffer));
  socket.resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

/** A socket that reached a server of ours through a relay, and the server's end of it. */
async function throughRelay(rttMs: number): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const link = await openLink({ kind: 'relay', rttMs });
  atEnd(async () => {
    listener.close();
    await link.close();
  });
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const target = await link.target((listener.address() as AddressInfo).port);
  const client = connect({ ...target, allowHalfOpen: true, noDelay: true });
  const [server] = await accepted;
  atEnd(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server };
}

describe('the relay of the bench', () => {
  it('passes on both streams whole, at the same time, and the end of one before the other ends', async () => {
    const { client, server } = await throughRelay(4);
    const [there, back] = [randomBytes(24 * MIB, 1), randomBytes(24 * MIB, 2)];
    const last = Buffer.from('after the other side had ended');
    client.end(there);
    server.write(back);
    const received = everything(client);
    expect((await everything(server)).equals(there)).toBe(true);
    server.end(last);
    expect((await received).equals(Buffer.concat([back, last]))).toBe(true);
  });

  it('keeps the order of many small writes', async () => {
    const { client, server } = await throughRelay(2);
    const lines = Array.from({ length: 2000 }, (_, i) => `${i}\n`);
    for (const line of lines) {
      client.write(line);
      if (Number(line) % 50 === 0) await sleep(0);
    }
    client.end();
    expect((await everything(server)).toString()).toBe(lines.join(''));
  });

  it('lets no round trip be shorter than it was told', async () => {
    const { client, server } = await throughRelay(20);
    server.on('data', (data) => server.write(data)).resume();
    for (let i = 0; i < 5; i += 1) {
      const started = performance.now();
      client.write('x');
      await once(client, 'data');
      expect(performance.now() - started).toBeGreaterThanOrEqual(20);
    }
  });

  it('passes on a reset as a reset', async () => {
    const { client, server } = await throughRelay(2);
    const failed = once(client, 'error');
    client.resume();
    server.resetAndDestroy();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('resets a connection whose target cannot be reached', async () => {
    const link = await openLink({ kind: 'relay', rttMs: 1 });
    atEnd(() => link.close());
    // Nothing listens on port 1.
    const client = connect(await link.target(1));
    const [error] = await once(client, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('takes no more than a few MiB from a sender whose receiver reads nothing', async () => {
    const { client, server } = await throughRelay(2);
    const bytes = randomBytes(4 * MIB, 3);
    let taken = 0;
    for (let i = 0; i < 32; i += 1) {
      client.write(bytes, () => {
        taken += bytes.byteLength;
      });
    }
    client.end();
    // A relay without a limit goes on until it has it all.
    let before = -1;
    while (taken > before) {
      before = taken;
      await sleep(300);
    }
    expect(taken).toBeLessThan(64 * MIB);
    expect((await everything(server)).byteLength).toBe(32 * bytes.byteLength);
  });

  it('ends when the process that opened it is killed', async () => {
    const bench = new URL('../../dist/bench/links/index.js', import.meta.url);
    const script = `
      const { openLink } = await import(${JSON.stringify(bench.href)});
      const link = await openLink({ kind: 'relay', rttMs: 1 });
      await link.target(1);
      console.log('open');
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script]);
    atEnd(() => {
      owner.kill('SIGKILL');
    });
    await once(owner.stdout, 'data');
    const children = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, 'utf8');
    const [relay = 0] = children.trim().split(' ').map(Number);
    expect(relay).toBeGreaterThan(0);
    owner.kill('SIGKILL');
    expect(await ends(relay)).toBe(true);
  });
});
