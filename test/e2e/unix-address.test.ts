/** A migration over a Unix-domain socket: on one host, and through a tunnel. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Source } from '../../src/source/source.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { takeAnything } from '../support/any-guest.js';
import { atEnd } from '../support/at-end.js';
import { Receiving } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pageferry-unix-'));
  atEnd(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('a destination on a Unix-domain socket', () => {
  it.each(STRATEGY_NAMES)('takes a guest by %s', async (strategy) => {
    const path = join(folder(), 'destination.sock');
    const receiving = await Receiving.start({ createGuest: takeAnything, path });
    expect(receiving.destination.address).toEqual({ path });
    expect(receiving.destination.port).toBe(0);
    const guest = await startGuest({ memoryBytes: 16 * MIB, workload: 'uniform' });
    const report = await new Source(guest, { path, strategy, verify: true }).migrate();
    expect(report.guestVerified).toBe(true);
  });

  it('lets nobody else connect, and takes the socket away when it closes', async () => {
    const path = join(folder(), 'destination.sock');
    const receiving = await Receiving.start({ createGuest: takeAnything, path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await receiving.close();
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one that nobody listens on any more', async () => {
    const path = join(folder(), 'destination.sock');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    // The path outlives the server as it does a process that was killed.
    const second = join(path, '..', 'left.sock');
    await import('node:fs/promises').then((fs) => fs.link(path, second));
    await new Promise((resolve) => server.close(resolve));
    const receiving = await Receiving.start({ createGuest: takeAnything, path: second });
    const guest = await startGuest({ memoryBytes: 4 * MIB, workload: 'idle' });
    const options = { path: second, strategy: 'pre-copy', verify: true } as const;
    expect((await new Source(guest, options).migrate()).guestVerified).toBe(true);
    await receiving.close();
  });

  it('does not take the place of one that somebody listens on, nor of a file', async () => {
    const path = join(folder(), 'destination.sock');
    await Receiving.start({ createGuest: takeAnything, path });
    const second = Receiving.start({ createGuest: takeAnything, path });
    await expect(second).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('another program does'),
    });
    const file = join(folder(), 'file');
    writeFileSync(file, 'precious');
    const third = Receiving.start({ createGuest: takeAnything, path: file });
    await expect(third).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect(statSync(file).size).toBe(8);
  });

  it('is reached through a tunnel that carries bytes', async () => {
    const path = join(folder(), 'tunnel.sock');
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const tunnel = createServer((near) => {
      const far = connect(receiving.port, '127.0.0.1');
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    }).listen(path);
    atEnd(() => tunnel.close());
    const guest = await startGuest({ memoryBytes: 16 * MIB, workload: 'uniform' });
    const report = await new Source(guest, { path, strategy: 'hybrid', verify: true }).migrate();
    expect(report.guestVerified).toBe(true);
  });
});

describe('a source that is told of a Unix-domain socket', () => {
  it('says that there is none', async () => {
    const path = join(folder(), 'nothing.sock');
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    await expect(new Source(guest, { path, strategy: 'pre-copy' }).migrate()).rejects.toMatchObject(
      { code: 'UNREACHABLE', message: expect.stringContaining(`there is no unix:${path}`) },
    );
  });

  it('takes no host or port beside it', async () => {
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    const both = { path: '/x', port: 1, strategy: 'pre-copy' } as const;
    expect(() => new Source(guest, both)).toThrow('give one or the other');
  });
});
