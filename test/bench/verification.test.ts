// What the bench knows of a guest that arrived.
import { describe, expect, it } from 'vitest';
import type { WantedGuest } from '#bench/agents/guests.js';
import { type FilledPages, fillPage, patternProbe } from '#bench/lib/page-pattern.js';
import { migrateMany, migrateOnce } from '#bench/lib/pair.js';
import { A_SAMPLE, type Compared, comparedOf, EVERY_PAGE } from '#bench/lib/verification.js';
import { comparedText } from '#bench/report/format.js';
import type { MigrationReport } from '../../src/metrics/report.js';

const MIB = 2 ** 20;

/** What the comparison of a guest's pages tells. */
function reportWith(wrong: number): MigrationReport {
  const report: Partial<MigrationReport> = {
    memoryBytes: 16 * MIB,
    guestVerified: wrong === 0,
    verification: {
      pagesCompared: 1024,
      pagesDifferent: wrong,
      firstDifferentPage: wrong === 0 ? null : 77,
      failedReads: 0,
    },
  };
  return report as MigrationReport;
}

describe('a migration of the bench', () => {
  it('fails, and names the first wrong page, when a page differs', () => {
    expect(comparedOf(reportWith(0))).toEqual({ pages: 4096, pagesCompared: 1024 });
    expect(() => comparedOf(reportWith(3))).toThrow(/WRONG: 3 of 1024 pages .* first is page 77/);
  });

  it('fails when nothing was compared', () => {
    expect(() => comparedOf({ ...reportWith(0), verification: null })).toThrow('not compared');
  });

  it.each<[string, WantedGuest, number, number]>([
    [
      'a sparse guest',
      { kind: 'sparse', memoryBytes: 2 ** 36, populatedBytes: 8 * MIB },
      1024,
      2048,
    ],
    [
      'a guest that times its reads',
      { kind: 'touch', memoryBytes: 8 * MIB, touches: 5, pauseMs: 1 },
      1024,
      2048,
    ],
    [
      'an idle guest',
      { kind: 'workload', options: { workload: 'idle', memoryBytes: 8 * MIB } },
      1024,
      2048,
    ],
  ])(
    'compares %s, in part or with every page that holds something',
    async (_, guest, some, all) => {
      const compared: Compared[] = [];
      const onCompared = (one: Compared) => compared.push(one);
      for (const verify of [A_SAMPLE, EVERY_PAGE]) {
        await migrateOnce({ guest, source: { strategy: 'pre-copy' } }, { verify, onCompared });
      }
      expect(compared.map(({ pagesCompared }) => pagesCompared)).toEqual([some, all]);
    },
  );

  it('compares each of several guests that arrive at once', async () => {
    const compared: Compared[] = [];
    const { destination } = await migrateMany(
      3,
      {
        guest: { kind: 'workload', options: { workload: 'uniform', memoryBytes: 4 * MIB } },
        source: { strategy: 'pre-copy', channels: 1 },
      },
      { verify: { pages: 10 }, onCompared: (one) => compared.push(one) },
    );
    expect(compared).toEqual(Array.from({ length: 3 }, () => ({ pages: 1024, pagesCompared: 10 })));
    expect(destination.cpuMs).toBeGreaterThan(0);
  });
});

describe('a guest of the bench’s own', () => {
  /** Eight pages in plain memory, every third number a page. */
  function guest() {
    const memory = new Map<number, Uint32Array>();
    const filled: FilledPages = {
      count: 8,
      pageAt: (i) => 3 * i,
      wordsOf(page) {
        const words = memory.get(page) ?? new Uint32Array(1024);
        memory.set(page, words);
        return words;
      },
    };
    for (let i = 0; i < filled.count; i += 1) {
      fillPage(filled.wordsOf(filled.pageAt(i)), filled.pageAt(i));
    }
    return filled;
  }

  it('has no two pages alike, and finds one changed word, and a page in another’s place', async () => {
    const filled = guest();
    const { verify } = patternProbe('test', filled);
    expect(await verify()).toMatchObject({ pagesCompared: 8, pagesDifferent: 0 });
    const words = filled.wordsOf(6);
    words[1023] = (words[1023] ?? 0) ^ 1;
    expect(await verify()).toMatchObject({ pagesDifferent: 1, firstDifferentPage: 6 });
    filled.wordsOf(9).set(filled.wordsOf(12));
    expect(await verify()).toMatchObject({ pagesDifferent: 2, firstDifferentPage: 6 });
    expect(await verify(3)).toMatchObject({ pagesCompared: 3 });
  });
});

describe('what was compared', () => {
  const guests = (...pagesCompared: number[]) =>
    pagesCompared.map((compared) => ({
      ...{ scenario: 'a', repetition: 0 },
      ...{ pages: 4096, pagesCompared: compared },
    }));

  it.each([
    [[], null],
    [[4096], 'every page in 1 of 1'],
    [[1024, 1024], '1,024 of 4,096 pages in 2 of 2'],
    [[1024, 4096, 1000], 'every page in 1 of 3, 1,000 to 1,024 of 4,096 pages in the others'],
  ])('of guests with %j pages compared reads %j', (compared, text) => {
    expect(comparedText(guests(...compared))).toBe(text);
  });
});
