/** Pages that nobody had touched when the source first looked, and that the guest wrote before it was paused. */
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/vocabulary.js';
import { Receiving, sourceFor } from '../support/destinations.js';
import { guestsWith } from '../support/guest-with.js';
import { MIB } from '../support/guests.js';

const PAGE_BYTES = 4096;
const BEFORE = [0, 1, 700, 2047];
/** Beside a page, in the middle of a hole, and one that was there before. */
const LATE = [2, 300, 701, 1500, 2046, 700];

function fill({ memory }: Guest, pages: readonly number[], byte: number): void {
  const bytes = new Uint8Array(memory.window(0, memory.bytes));
  for (const page of pages) bytes.fill(byte, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
}

function content({ memory }: Guest): readonly (readonly [page: number, byte: number])[] {
  const bytes = new Uint8Array(memory.window(0, memory.bytes));
  return Array.from({ length: memory.pageCount }, (_, page) => {
    const [first, last] = [bytes[page * PAGE_BYTES], bytes[(page + 1) * PAGE_BYTES - 1]];
    return [page, first === last ? (first ?? -1) : -1] as const;
  }).filter(([, byte]) => byte !== 0);
}

async function migrateLatePages(
  strategy: StrategyName,
  before: readonly number[],
  late: readonly number[],
) {
  const receiving = await Receiving.start({ createGuest: guestsWith().createGuest });
  // Its last moment of running.
  const pause = async (): Promise<void> => fill(guest, late, 2);
  const memory = createGuestMemory([8 * MIB]);
  const guest: Guest = await guestsWith({ pause }).createGuest(memory, new Uint8Array());
  fill(guest, before, 1);
  const report = await sourceFor(guest, receiving.port, { strategy, verify: false }).migrate();
  expect(report.outcome).toBe('completed');
  const expected = new Map<number, number>();
  for (const page of before) expected.set(page, 1);
  for (const page of late) expected.set(page, 2);
  expect(content(await receiving.nextArrived())).toEqual([...expected].sort(([a], [b]) => a - b));
  return report;
}

describe.each(STRATEGY_NAMES)(
  'pages that a guest first writes while %s is under way',
  (strategy) => {
    it('arrive, and its other pages with them', async () => {
      await migrateLatePages(strategy, BEFORE, LATE);
    });
  },
);

describe('post-copy', () => {
  it.each([
    [256, null],
    [257, expect.any(String)],
  ])('of a guest whose pages lie in %d runs tracks it: %s', async (runs, tracker) => {
    const scattered = Array.from({ length: runs }, (_, run) => 3 * run);
    const report = await migrateLatePages('post-copy', scattered, [1, 301, 900, 2000]);
    expect(report.tracker).toEqual(tracker);
  });
});
