/** Guests for tests, and what can be asked of them. Guests are let go at the end of the test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { WorkloadGuest, type WorkloadOptions } from '../../src/guest/workload-guest.js';
import { atEnd } from './at-end.js';
import { until } from './until.js';

export const MIB = 2 ** 20;

/** A guest that runs; 16 MiB of random pages, written everywhere, unless told otherwise. */
export async function startGuest(options: Partial<WorkloadOptions> = {}): Promise<WorkloadGuest> {
  const guest = await WorkloadGuest.create({
    workload: 'uniform',
    memoryBytes: 16 * MIB,
    fill: { kind: 'random' },
    ...options,
  });
  atEnd(() => guest.discard());
  await guest.resume();
  return guest;
}

function operations(guest: Guest): number {
  if (guest.probe === undefined) throw new Error('this guest has no probe');
  return guest.probe.observe().operations;
}

export async function expectRunning(guest: Guest): Promise<void> {
  const before = operations(guest);
  await until('the guest runs', () => operations(guest) > before);
}

/** Nobody runs the guest here. Can only ever pass by mistake, never fail by mistake. */
export async function expectStill(guest: Guest): Promise<void> {
  const before = operations(guest);
  await sleep(100);
  expect(operations(guest)).toBe(before);
}

/** Compares every page, and leaves the guest running. */
export async function expectIntact(guest: Guest): Promise<void> {
  await guest.pause();
  const verification = await guest.probe?.verify();
  expect(verification).toMatchObject({ pagesDifferent: 0, failedReads: 0 });
  expect(verification?.pagesCompared).toBeGreaterThan(0);
  await guest.resume();
}

/** Runs here, and not a page of it is other than it must be. */
export async function expectUnharmed(guest: Guest): Promise<void> {
  await expectRunning(guest);
  await expectIntact(guest);
  await expectRunning(guest);
}
