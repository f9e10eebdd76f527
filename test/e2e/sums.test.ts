/** Whatever becomes of a migration: its figures add up, and the last progress says what the report says. */
import { describe, expect, it } from 'vitest';
import type { SourcePhase, SourceProgress } from '../../src/metrics/events.js';
import type { MigrationReport } from '../../src/metrics/report.js';
import { MigrationFailed, type Source } from '../../src/source/source.js';
import { Receiving, sourceFor } from '../support/destinations.js';
import { MIB, startGuest } from '../support/guests.js';
import { Relay } from '../support/relay.js';

const STRATEGIES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;
const PAGES = (8 * MIB) / 4096;

interface Scene {
  readonly receiving: Receiving;
  readonly relay: Relay;
  readonly source: Source;
}

/** What is done to a migration, and what comes of it. */
interface Fate {
  readonly name: string;
  readonly location: MigrationReport['guestLocation'];
  readonly befalls: (scene: Scene) => void;
  /** Some pages must have been sent by then. */
  readonly sent: boolean;
}

const atPhase = (wanted: SourcePhase, run: (scene: Scene) => void) => (scene: Scene) => {
  scene.source.on('phase', (phase) => {
    if (phase === wanted) run(scene);
  });
};
const atSomeBytes = (run: (scene: Scene) => void) => (scene: Scene) => {
  scene.relay.onPageBytes = (total) => {
    if (total > MIB) run(scene);
  };
};

const COMMON: readonly Fate[] = [
  { name: 'completed', location: 'destination', befalls: () => {}, sent: true },
  {
    name: 'cancelled at once',
    location: 'source',
    befalls: atPhase('negotiate', ({ source }) => source.cancel()),
    sent: false,
  },
  {
    name: 'cancelled when the guest is paused',
    location: 'source',
    befalls: atPhase('final-round', ({ source }) => source.cancel()),
    sent: false,
  },
  {
    name: 'cut when the destination is ready',
    location: 'source',
    befalls: ({ relay }) => {
      relay.onMessage = (type) => {
        if (type !== 'ready') return 'pass';
        relay.cut();
        return 'swallow';
      };
    },
    sent: false,
  },
];
const WITH_ROUNDS: readonly Fate[] = [
  {
    name: 'cancelled in the middle of a round',
    location: 'source',
    befalls: atSomeBytes(({ source }) => source.cancel()),
    sent: true,
  },
  {
    name: 'cut in the middle of a round',
    location: 'source',
    befalls: atSomeBytes(({ relay }) => relay.cut()),
    sent: true,
  },
];
const WITH_PUSH: readonly Fate[] = [
  {
    name: 'lost in the middle of the push',
    location: 'lost',
    befalls: (scene) => {
      let pushing = false;
      scene.source.on('phase', (phase) => {
        pushing ||= phase === 'push-residual-set';
      });
      scene.relay.onPageBytes = (total) => {
        if (pushing && total > MIB) scene.relay.cut();
      };
    },
    sent: true,
  },
];

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

async function migrate(source: Source): Promise<MigrationReport> {
  try {
    return await source.migrate();
  } catch (error) {
    if (error instanceof MigrationFailed) return error.report;
    throw error;
  }
}

function expectSums(report: MigrationReport): void {
  const { rounds, pagesByContent } = report;
  expect(sum(Object.values(pagesByContent))).toBe(report.pagesSent);
  expect(sum(rounds.map(({ pages }) => pages))).toBeLessThanOrEqual(report.pagesSent);
  expect(sum(rounds.map(({ wireBytes }) => wireBytes))).toBeLessThanOrEqual(report.wireBytes);
  for (const round of rounds) {
    expect(round.pagesRaw + round.pagesZero + round.pagesEncoded).toBe(round.pages);
    expect(round.wireBytes).toBeGreaterThanOrEqual(4096 * round.pagesRaw);
  }
  // Every raw page that is counted is on the wire, and every byte there belongs to what was sent or was begun.
  const { raw = 0 } = pagesByContent;
  expect(report.wireBytes).toBeGreaterThanOrEqual(4096 * raw);
  const begun = report.channels * 4 * MIB;
  expect(report.wireBytes).toBeLessThanOrEqual((4096 + 64) * report.pagesSent + begun);
  expect(report.pagesServed).toBeLessThanOrEqual(report.pagesSent);
  expect(report.demandFaultsOverNetwork).toBeGreaterThanOrEqual(report.pagesServed);
  expect(report.demandFaults).toBeGreaterThanOrEqual(report.demandFaultsOverNetwork);
  const { downtimeMs, downtimeParts, guest } = report;
  if (downtimeMs === null || downtimeParts === null) return;
  expect(sum(Object.values(downtimeParts))).toBeCloseTo(downtimeMs, 3);
  expect(downtimeMs).toBeLessThanOrEqual(report.totalMs);
  const gap = guest?.longestGapMs ?? null;
  if (gap !== null) expect(gap).toBeGreaterThanOrEqual(downtimeMs);
}

describe.each(STRATEGIES)('the figures of a migration by %s', (strategy) => {
  const hasRounds = strategy !== 'post-copy';
  const hasPush = strategy === 'post-copy' || strategy === 'hybrid';
  const fates = [...COMMON, ...(hasRounds ? WITH_ROUNDS : []), ...(hasPush ? WITH_PUSH : [])];

  it.each(fates)('that is $name add up', async ({ location, befalls, sent }) => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    const guest = await startGuest({ memoryBytes: 8 * MIB, writesPerSecond: 20_000, threads: 2 });
    const source = sourceFor(guest, relay.port, {
      strategy,
      bandwidthBytesPerSecond: 32 * MIB,
      channels: 2,
    });
    const told: SourceProgress[] = [];
    source.on('progress', (progress) => void told.push(progress));
    befalls({ receiving, relay, source });
    const report = await migrate(source);
    expect(report.guestLocation).toBe(location);
    expectSums(report);
    const { pagesSent, pagesServed, wireBytes } = report;
    expect(told.at(-1)).toMatchObject({ pagesSent, pagesServed, wireBytes });
    for (const field of ['pagesSent', 'wireBytes', 'elapsedMs'] as const) {
      const values = told.map((progress) => progress[field]);
      expect(values).toEqual([...values].sort((a, b) => a - b));
    }
    expect(source.progress()).toMatchObject({ pagesSent, wireBytes });
    if (sent) expect(pagesSent).toBeGreaterThan(0);
    if (location === 'destination') expect(pagesSent).toBeGreaterThanOrEqual(PAGES);
    else expect(report.downtimeMs === null).toBe(location === 'source');
  });
});

describe('the longest gap', () => {
  it('is never shorter than the downtime, however often the guest moves', async () => {
    const receiving = await Receiving.start();
    for (let journey = 0; journey < 12; journey += 1) {
      // Threads enough to take the core from whoever let them run.
      const guest = await startGuest({ memoryBytes: MIB, threads: 4, seed: journey + 1 });
      const report = await sourceFor(guest, receiving.port, { verify: false }).migrate();
      expect(report.guest?.longestGapMs).toBeGreaterThanOrEqual(report.downtimeMs ?? Number.NaN);
      guest.discard();
      (await receiving.nextArrived()).discard?.();
    }
  });

  it('of a guest that makes no marks is not known', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ workload: 'idle', memoryBytes: MIB });
    const report = await sourceFor(guest, receiving.port).migrate();
    expect(report.guest?.longestGapMs).toBeNull();
    expect(report.downtimeMs).toBeGreaterThan(0);
  });
});
