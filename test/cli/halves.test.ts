import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { Pageferry, pageferry, startDestination } from './pageferry.js';

const SMALL = ['--memory', '16MiB', '--observe', '0', '--write-rate', '20000'];
const SLOW = [
  ...['--memory', '64MiB', '--fill', 'random', '--observe', '0', '--bandwidth', '16MiB/s'],
  // Leaves the cores to the tests beside it while it moves slowly.
  ...['--write-rate', '2000'],
];
const IDLE = ['--strategy', 'post-copy', '--workload', 'idle'];

/** Something else on a port: says `greeting` to whoever connects. */
async function otherServer(greeting: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(greeting);
  });
  atEnd(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('source and destination', () => {
  it('one destination takes guests one after the other and several at once, by every strategy', async () => {
    const { destination, address } = await startDestination();
    const strategies = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'];
    const first = await pageferry('source', '--to', address, ...SMALL);
    expect(first.code).toBe(0);
    const all = await Promise.all(
      strategies.map((strategy) =>
        pageferry('source', '--to', address, ...SMALL, '--strategy', strategy, '--json', '-'),
      ),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(all.map(({ stdout }) => JSON.parse(stdout).migrations[0].strategy)).toEqual(strategies);
    destination.signal('SIGINT');
    const { code, stdout } = await destination.ended;
    expect(stdout.match(/arrived from .*; ended here/g)).toHaveLength(5);
    expect(code).toBe(0);
  });

  it('a migration that is started again by its id is refused, and the guest stays', async () => {
    const { address } = await startDestination();
    const id = '00112233445566778899aabbccddeeff';
    const start = () => pageferry('source', '--to', address, ...SMALL, '--id', id, '--json', '-');
    const first = await start();
    expect(JSON.parse(first.stdout).migrations[0]).toMatchObject({
      migrationId: id,
      outcome: 'completed',
    });
    const again = await start();
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/ID_IN_USE: .* knows a migration of this id/);
    expect(JSON.parse(again.stdout).migrations[0]).toMatchObject({
      migrationId: id,
      guestLocation: 'source',
    });
  });

  it('keeps guests that have arrived when told to, and ends with SIGTERM all the same', async () => {
    const { destination, address } = await startDestination('--keep');
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    await destination.says(/it runs on here/);
    destination.signal('SIGTERM');
    expect((await destination.ended).code).toBe(0);
  });

  it('SIGINT cancels: the guest is unharmed, and the destination serves the next migration', async () => {
    const { destination, address } = await startDestination();
    const folder = mkdtempSync(join(tmpdir(), 'pageferry-'));
    atEnd(() => rmSync(folder, { recursive: true }));
    const json = join(folder, 'report.json');
    const source = new Pageferry(['source', '--to', address, ...SLOW, '--json', json]);
    await source.says(/round 0: /);
    source.signal('SIGINT');
    const { code, stderr } = await source.ended;
    expect(stderr).toMatch(/^pageferry: CANCELLED: [^\n]+\n$/);
    expect(JSON.parse(readFileSync(json, 'utf8')).migrations).toMatchObject([
      { outcome: 'cancelled', guestLocation: 'source', guestVerified: true },
    ]);
    expect(code).toBe(1);
    await destination.says(/dropped from .*: CANCELLED/);
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
  });

  it('a destination killed before the commit point leaves the guest on the source, unharmed', async () => {
    const { destination, address } = await startDestination();
    const source = new Pageferry(['source', '--to', address, ...SLOW, '--json', '-']);
    await source.says(/round 0: /);
    destination.signal('SIGKILL');
    const { code, stdout, stderr } = await source.ended;
    expect(stderr).toMatch(/^pageferry: PEER_GONE: /m);
    expect(JSON.parse(stdout).migrations).toMatchObject([
      { outcome: 'failed', guestLocation: 'source', guestVerified: true },
    ]);
    expect(code).toBe(1);
  });

  it('a destination killed during active push loses the guest: exit code 3', async () => {
    const { destination, address } = await startDestination();
    const source = new Pageferry(['source', '--to', address, ...SLOW, ...IDLE]);
    await source.says(/active push/);
    destination.signal('SIGKILL');
    const { code, stderr } = await source.ended;
    expect(stderr).toMatch(/^pageferry: POSTCOPY_LOST: [^\n]+\n$/);
    expect(code).toBe(3);
  });

  it('a source killed during active push loses the guest; the destination says so and goes on', async () => {
    const { destination, address } = await startDestination();
    const source = new Pageferry(['source', '--to', address, ...SLOW, ...IDLE]);
    await source.says(/active push/);
    source.signal('SIGKILL');
    await destination.says(/lost from .*: POSTCOPY_LOST/);
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    destination.signal('SIGINT');
    expect((await destination.ended).code).toBe(0);
  });

  it('Ctrl-C ends a destination whose lost guest waits for pages that never come', async () => {
    const { destination, address } = await startDestination();
    const busy = ['--strategy', 'post-copy', '--workload', 'sequential', '--threads', '2'];
    const source = new Pageferry(['source', '--to', address, ...SLOW, ...busy]);
    await source.says(/active push/);
    source.signal('SIGKILL');
    await destination.says(/lost from|arrived from/);
    destination.signal('SIGINT');
    expect((await destination.ended).code).toBe(0);
  });

  it('a guest larger than the limit is refused with both sizes', async () => {
    const { address } = await startDestination('--memory-limit', '8MiB');
    const { code, stderr } = await pageferry('source', '--to', address, ...SMALL);
    expect(stderr).toMatch(/^pageferry: GUEST_TOO_LARGE: .*16 MiB.*8 MiB.*--memory-limit[^\n]*\n$/);
    expect(code).toBe(1);
  });

  it('pre-copy that does not converge gives up when told to: the guest is safe', async () => {
    const { address } = await startDestination();
    const limits = [
      '--downtime-budget',
      '1ms',
      '--if-not-converging',
      'abort',
      '--max-rounds',
      '2',
    ];
    const slow = ['--memory', '16MiB', '--workload', 'uniform', '--bandwidth', '32MiB/s'];
    const { code, stderr } = await pageferry('source', '--to', address, ...slow, ...limits);
    expect(stderr).toMatch(/^pageferry: NOT_CONVERGING: [^\n]+\n$/);
    expect(code).toBe(1);
  });

  it('works over IPv6', async () => {
    const destination = new Pageferry(['destination', '--listen', '[::1]:0']);
    const [, address = ''] = await destination.says(/listening on (\[::1\]:\d+)/);
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
  });
});

describe('--metrics', () => {
  it('serves the figures of a destination and of a source while it migrates', async () => {
    const { destination, address } = await startDestination('--metrics', '127.0.0.1:0');
    const [, metrics = ''] = await destination.says(/metrics at (\S+)/);
    const source = new Pageferry(['source', '--to', address, ...SLOW, '--metrics', '0']);
    const [, sourceMetrics = ''] = await source.says(/metrics at (\S+)/);
    await source.says(/round 0: /);
    const during = await (await fetch(sourceMetrics)).text();
    expect(during).toMatch(/^pageferry_source_migrations_under_way 1$/m);
    expect(during).toMatch(/^pageferry_source_pages_sent_total [1-9]/m);
    source.signal('SIGINT');
    await source.ended;
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
    await destination.says(/arrived from/);
    const after = await (await fetch(metrics)).text();
    expect(after).toMatch(/^pageferry_destination_migrations_total\{outcome="arrived"\} 1$/m);
    expect(after).toMatch(/^pageferry_destination_migrations_total\{outcome="dropped"\} 1$/m);
    expect(after).toMatch(/^pageferry_destination_pages_received_total [1-9]\d{3}/m);
    expect(after).toMatch(/^pageferry_destination_migrations_under_way 0$/m);
  });
});

describe.concurrent('an address that will not do', () => {
  it('nothing listens there: UNREACHABLE, exit code 1', async () => {
    const { code, stderr } = await pageferry('source', '--to', '127.0.0.1:1', ...SMALL);
    expect(stderr).toMatch(
      /^pageferry: UNREACHABLE: nothing listens at 127\.0\.0\.1:1\. [^\n]+\n$/,
    );
    expect(code).toBe(1);
  });

  it('something else listens there: NOT_PAGEFERRY, exit code 1', async () => {
    const address = await otherServer('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    const { code, stderr } = await pageferry('source', '--to', address, ...SMALL);
    expect(stderr).toMatch(/^pageferry: NOT_PAGEFERRY: [^\n]+ check the port[^\n]*\n$/);
    expect(code).toBe(1);
  });

  it('somebody else speaks to a destination: it is turned away, and the next guest is taken', async () => {
    const { destination, address } = await startDestination();
    await fetch(`http://${address}/`).catch(() => {});
    await destination.says(/stranger 127\.0\.0\.1:\d+ turned away/);
    expect((await pageferry('source', '--to', address, ...SMALL)).code).toBe(0);
  });

  it('the port is taken: PORT_IN_USE, exit code 1', async () => {
    const address = await otherServer('');
    const { code, stderr } = await pageferry('destination', '--listen', address);
    expect(stderr).toMatch(/^pageferry: PORT_IN_USE: [^\n]+\n$/);
    expect(code).toBe(1);
    const metrics = await pageferry('destination', '--listen', '127.0.0.1:0', '--metrics', address);
    expect(metrics.stderr).toMatch(/^pageferry: PORT_IN_USE: cannot serve metrics[^\n]+\n$/);
    expect(metrics.code).toBe(1);
  });
});
