import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { askOutcome } from '../../src/source/ask-outcome.js';
import { pageferry, startDestination } from '../cli/pageferry.js';
import { takeAnything } from '../support/any-guest.js';
import { migrate, Receiving } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';
import { Lab } from '../support/lab.js';
import { rejection } from '../support/until.js';

const newId = () => randomBytes(16).toString('hex');

describe('whoever asks what became of a migration', () => {
  it('is told that its guest is there with every page', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    const { migrationId } = await migrate(guest, receiving.port, {});
    const outcome = await askOutcome(migrationId, { host: '127.0.0.1', port: receiving.port });
    expect(outcome).toMatchObject({ state: 'complete' });
    expect(outcome.sinceMs).toBeGreaterThanOrEqual(0);
  });

  it('is told that nothing is known of it', async () => {
    const receiving = await Receiving.start();
    const { port } = receiving;
    expect(await askOutcome(newId(), { host: '127.0.0.1', port })).toEqual({
      state: 'unknown',
      sinceMs: 0,
    });
  });

  it('asks over TLS as a source does', async () => {
    const lab = new Lab();
    const tls = lab.host(['destination', '127.0.0.1']);
    const { port } = await Receiving.start({ createGuest: takeAnything, tls });
    const asking = { host: '127.0.0.1', port, tls: lab.host(['who-asks']) };
    expect(await askOutcome(newId(), asking)).toMatchObject({ state: 'unknown' });
  });

  it.each([
    ['an id that is none', 'abc', { host: '127.0.0.1', port: 1 }, 'USAGE'],
    ['no address', newId(), {}, 'USAGE'],
    ['another host without TLS', newId(), { host: '10.0.0.1', port: 1 }, 'USAGE'],
    ['nobody there', newId(), { host: '127.0.0.1', port: 1 }, 'UNREACHABLE'],
  ])('is refused with %s', async (_what, id, options, code) => {
    expect(await rejection(askOutcome(id, options))).toMatchObject({ code });
  });

  it('takes no place of those who migrate', async () => {
    const receiving = await Receiving.start({ maxMigrations: 1 });
    const { port } = receiving;
    for (let i = 0; i < 20; i += 1) await askOutcome(newId(), { host: '127.0.0.1', port });
    await receiving.expectServesNext();
  });
});

describe('pageferry query', () => {
  it('says it in one line, or in JSON', async () => {
    const { address } = await startDestination();
    const id = newId();
    const moved = await pageferry('source', '--to', address, '--memory', '4MiB', '--id', id);
    expect(moved.code).toBe(0);
    const line = await pageferry('query', id, '--at', address);
    expect(line.stdout).toMatch(/^complete, for .*: the guest is there, with every page\n$/);
    const { stdout, code } = await pageferry('query', newId(), '--at', address, '--json');
    expect(JSON.parse(stdout)).toEqual({ state: 'unknown', sinceMs: 0 });
    expect(code).toBe(0);
  });
});
