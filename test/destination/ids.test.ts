/** What an id is good for: a start that is repeated is recognised, and who lost sight of a migration asks for it. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.js';
import { takeAnything } from '../support/any-guest.js';
import { failureOf, migrate, Receiving } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { resumed, switchedOver, switchedOverMissing } from '../support/handmade-source.js';
import { failing, HeldGuest } from '../support/held-guest.js';
import { openMessage, RawClient } from '../support/raw-client.js';
import { until } from '../support/until.js';

const { statuses, flags } = binding.protocolConstants();
const RESUME = 1 << flags.resume;

/** What the destination says of a migration. */
async function outcomeOf(port: number, id: Uint8Array) {
  const client = await RawClient.control(port);
  client.send({ type: 'query', id });
  const { type: _, ...outcome } = await client.message('outcome');
  await client.closed();
  return outcome;
}

async function statusFor(port: number, migrationId: Uint8Array, flags = 0): Promise<number> {
  const client = await RawClient.connect(port);
  return await client.introduce({ migrationId, flags });
}

async function tiny() {
  return await startGuest({ memoryBytes: MIB, workload: 'idle' });
}

describe('a migration with an id of one’s own', () => {
  it('is known by it on both sides', async () => {
    const receiving = await Receiving.start();
    const seen: string[] = [];
    receiving.destination.on('arriving', ({ id }) => void seen.push(id));
    const id = randomBytes(16);
    const migrationId = id.toString('hex').toUpperCase();
    const report = await migrate(await tiny(), receiving.port, { migrationId });
    expect(report.migrationId).toBe(id.toString('hex'));
    expect(seen).toEqual([report.migrationId]);
  });

  it('is recognised when it is started again: the guest stays, and is none the worse', async () => {
    const receiving = await Receiving.start();
    const migrationId = randomBytes(16).toString('hex');
    await migrate(await tiny(), receiving.port, { migrationId });
    await receiving.nextArrived();
    const again = await startGuest({ memoryBytes: MIB });
    const error = await failureOf(migrate(again, receiving.port, { migrationId }));
    expect(error).toMatchObject({
      code: 'ID_IN_USE',
      message: expect.stringMatching(/knows a migration of this id.*another id/),
      report: { guestLocation: 'source', migrationId },
    });
    await expectUnharmed(again);
    expect(receiving.arrived).toEqual([]);
    await receiving.expectServesNext();
  });

  it('may be started again when it was refused at its open', async () => {
    const receiving = await Receiving.start({ memoryLimitBytes: MIB });
    const migrationId = randomBytes(16).toString('hex');
    const large = await startGuest({ memoryBytes: 2 * MIB, workload: 'idle' });
    expect(await failureOf(migrate(large, receiving.port, { migrationId }))).toMatchObject({
      code: 'GUEST_TOO_LARGE',
    });
    await receiving.nextDropped();
    expect(await outcomeOf(receiving.port, Buffer.from(migrationId, 'hex'))).toMatchObject({
      state: 'unknown',
    });
    const small = await tiny();
    expect(await migrate(small, receiving.port, { migrationId })).toMatchObject({
      outcome: 'completed',
    });
  });
});

describe('a preamble that was sent before', () => {
  it('is refused while the migration is under way, before its open and after', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.control(receiving.port);
    expect(await statusFor(receiving.port, client.migrationId)).toBe(statuses['id-in-use']);
    client.send(openMessage());
    await client.message('opened');
    expect(await statusFor(receiving.port, client.migrationId)).toBe(statuses['id-in-use']);
    client.send({ type: 'clock', sentNs: 1n });
    await client.message('clocked');
  });

  it('is refused once the migration has failed', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.opened(receiving.port);
    client.socket.destroy();
    await receiving.nextDropped();
    expect(await statusFor(receiving.port, client.migrationId)).toBe(statuses['id-in-use']);
  });

  it('is refused by that also where the destination serves as many as it may', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything, maxMigrations: 1 });
    const client = await RawClient.opened(receiving.port);
    expect(await statusFor(receiving.port, client.migrationId)).toBe(statuses['id-in-use']);
    expect(await statusFor(receiving.port, randomBytes(16))).toBe(statuses.busy);
  });

  it('of a source that never said what it brings is as good as a new one', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.control(receiving.port);
    client.socket.destroy();
    await receiving.nextDropped();
    expect(await statusFor(receiving.port, client.migrationId)).toBe(statuses.accepted);
  });
});

describe('a resume', () => {
  it('of a migration that nobody knows is told so', async () => {
    const receiving = await Receiving.start();
    expect(await statusFor(receiving.port, randomBytes(16), RESUME)).toBe(
      statuses['unknown-migration'],
    );
  });

  it('of one that is under way, or was, is not possible', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.opened(receiving.port);
    const resume = () => statusFor(receiving.port, client.migrationId, RESUME);
    expect(await resume()).toBe(statuses['not-resumable']);
    client.socket.destroy();
    await receiving.nextDropped();
    expect(await resume()).toBe(statuses['not-resumable']);
  });
});

describe('who asks for a migration', () => {
  const since = expect.any(Number);

  it('that never was learns that it is unknown', async () => {
    const receiving = await Receiving.start();
    const outcome = { state: 'unknown', code: '', sinceMs: 0 };
    expect(await outcomeOf(receiving.port, randomBytes(16))).toEqual(outcome);
  });

  it('that is under way learns how it stands', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await switchedOver(receiving.port);
    const ask = () => outcomeOf(receiving.port, client.migrationId);
    expect(await ask()).toEqual({ state: 'arriving', code: '', sinceMs: since });
    await client.message('ready');
    expect(await ask()).toEqual({ state: 'arriving', code: '', sinceMs: since });
    client.send({ type: 'resume' });
    await client.message('complete');
    const complete = { state: 'complete', code: '', sinceMs: since };
    expect(await ask()).toEqual(complete);
    client.send({ type: 'bye' });
    await receiving.nextArrived();
    expect(await ask()).toEqual(complete);
  });

  it('whose guest waits for pages learns that it is there', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await resumed(switchedOverMissing(receiving.port));
    await client.message('running');
    const ask = () => outcomeOf(receiving.port, client.migrationId);
    expect(await ask()).toEqual({ state: 'running', code: '', sinceMs: since });
    client.socket.destroy();
    await receiving.nextLost();
    expect(await ask()).toEqual({ state: 'lost', code: 'POSTCOPY_LOST', sinceMs: since });
  });

  it('that failed learns why', async () => {
    const createGuest = async (memory: ConstructorParameters<typeof HeldGuest>[0]) =>
      new HeldGuest(memory, { resume: failing('no such device') });
    const receiving = await Receiving.start({ createGuest });
    const client = await resumed(switchedOver(receiving.port));
    await client.message('failed');
    await receiving.nextDropped();
    expect(await outcomeOf(receiving.port, client.migrationId)).toEqual({
      state: 'failed',
      code: 'GUEST_FAILED',
      sinceMs: since,
    });
  });

  it('is no migration: nobody hears of one', async () => {
    const receiving = await Receiving.start();
    const heard: string[] = [];
    for (const event of ['arriving', 'arrived', 'dropped', 'lost'] as const) {
      receiving.destination.on(event, () => void heard.push(event));
    }
    await outcomeOf(receiving.port, randomBytes(16));
    await until('it is over', () => receiving.destination.migrations === 0);
    expect(heard).toEqual([]);
  });

  it('without having said that it may is in breach of protocol', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.control(receiving.port, { features: 0n });
    client.send({ type: 'query', id: randomBytes(16) });
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });

  it('with features that nobody knows yet is answered all the same', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.control(receiving.port, { features: 2n ** 64n - 1n });
    client.send({ type: 'query', id: randomBytes(16) });
    expect(await client.message('outcome')).toMatchObject({ state: 'unknown' });
  });

  it('after open is in breach of protocol', async () => {
    const receiving = await Receiving.start({ createGuest: takeAnything });
    const client = await RawClient.opened(receiving.port);
    client.send({ type: 'query', id: client.migrationId });
    expect(await receiving.nextDropped()).toMatchObject({ code: 'PROTOCOL' });
  });
});
