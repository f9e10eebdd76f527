/**
 * Whatever sources say on their control channels, and in whatever order: a destination survives it, ends each
 * connection in time with a reason, gives everything back, and serves the next.
 *
 * PAGEFERRY_FUZZ_RUNS and PAGEFERRY_FUZZ_SEED: as `scripts/fuzz.mjs control` sets them.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ERROR_CODES, type PageferryError } from '../../src/errors.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { binding } from '../../src/native/binding.js';
import { parseDestinationMessage } from '../../src/protocol/messages.js';
import { migrationIdText } from '../../src/protocol/migration-id.js';
import { MigrationFailed } from '../../src/source/source.js';
import { takeAnything } from '../support/any-guest.js';
import { migrate, Receiving } from '../support/destinations.js';
import { footprintOf, untilGivenBack } from '../support/footprint.js';
import { MIB } from '../support/guests.js';
import { until } from '../support/until.js';
import { type Conversation, conversations } from './conversations.js';
import { type Heard, holdConversation } from './hold-conversation.js';

const RUNS = Number(process.env['PAGEFERRY_FUZZ_RUNS'] ?? 5);
const SEED = Number(process.env['PAGEFERRY_FUZZ_SEED'] ?? 1);
/** At once, in each run. */
const MOST_CONVERSATIONS = 12;
/** The shortest that there is. */
const STALL_MS = 1000;
/** The threads that calls of the engine leave behind for the next call, and Node's own. */
const KEPT_THREADS = 16;
const statuses: readonly number[] = Object.values(binding.protocolConstants().statuses);

/** Whoever is told these did not hear it: it had gone, or was silent for so long that it counts as gone. */
const UNHEARD = ['PEER_GONE', 'PEER_SILENT'];

function expectExplained(
  { end }: Conversation,
  heard: Heard,
  dropped: PageferryError | undefined,
): void {
  expect([undefined, ...statuses]).toContain(heard.status);
  const said = heard.messages.map(parseDestinationMessage);
  const failed = said.filter((message) => message?.type === 'failed');
  for (const { code, message } of failed) {
    expect(ERROR_CODES).toContain(code);
    expect(code, message).not.toBe('INTERNAL');
  }
  if (dropped === undefined) return;
  expect(dropped.code, dropped.message).not.toBe('INTERNAL');
  if (end === 'stay' && !UNHEARD.includes(dropped.code)) {
    expect(failed.map(({ code }) => code)).toEqual([dropped.code]);
  }
}

/** A guest moves there, and is whole when it has arrived. */
async function moveGuest(receiving: Receiving): Promise<void> {
  const guest = await WorkloadGuest.create({ workload: 'uniform', memoryBytes: 4 * MIB });
  try {
    await guest.resume();
    const report = await migrate(guest, receiving.port, { strategy: 'hybrid' });
    expect(report.guestVerified).toBe(true);
    await receiving.nextArrived();
  } finally {
    guest.discard();
  }
}

/** At the shortest stall timeout a busy machine can make any source look like one that has gone: it comes again then. */
async function expectServes(receiving: Receiving, attempts = 5): Promise<void> {
  try {
    await moveGuest(receiving);
  } catch (error) {
    const isSlow = error instanceof MigrationFailed && UNHEARD.includes(error.code);
    if (!isSlow || attempts === 1) throw error;
    await expectServes(receiving, attempts - 1);
  }
}

it(
  'whatever sources say, a destination ends each of them in time, says why, gives everything back and serves the next',
  async () => {
    const receiving = await Receiving.start({
      createGuest: takeAnything,
      stallMs: STALL_MS,
      guestCallMs: STALL_MS,
      memoryLimitBytes: 64 * MIB,
    });
    const dropped = new Map<string, PageferryError>();
    receiving.destination.on('dropped', (error, { id }) => dropped.set(id, error));
    const idle = async () => {
      await until('no migration is under way', () => receiving.destination.migrations === 0);
      for (const { guest } of receiving.lost) receiving.destination.letGo(guest);
      await receiving.forget();
      dropped.clear();
    };
    await expectServes(receiving);
    await idle();
    const before = footprintOf();

    const property = fc.asyncProperty(
      fc.array(conversations, { minLength: 1, maxLength: MOST_CONVERSATIONS }),
      async (all) => {
        const shared = randomBytes(16);
        const ids = all.map(({ preamble }) => (preamble === 'again' ? shared : randomBytes(16)));
        const heard = await Promise.all(
          all.map((one, at) => holdConversation(one, receiving.port, ids[at] as Uint8Array)),
        );
        for (const [at, one] of all.entries()) {
          const isAlone = one.preamble !== 'again';
          const why = isAlone ? dropped.get(migrationIdText(ids[at] as Uint8Array)) : undefined;
          expectExplained(one, heard[at] as Heard, why);
        }
        await idle();
        await expectServes(receiving);
        await idle();
        await untilGivenBack(before, { threads: KEPT_THREADS, residentBytes: 256 * MIB });
      },
    );
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: RUNS <= 10 });
  },
  60_000 + RUNS * 60_000,
);
