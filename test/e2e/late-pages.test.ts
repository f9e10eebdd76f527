/** Pages that nobody had touched when the source first looked, and that the guest wrote before it was paused. */
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
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

describe.each(STRATEGY_NAMES)(
  'pages that a guest first writes while %s is under way',
  (strategy) => {
    it('arrive, and its other pages with them', async () => {
      const receiving = await Receiving.start({ createGuest: guestsWith().createGuest });
      const late: Partial<Guest> = {
        // Its last moment of running.
        pause: async () => fill(guest, LATE, 2),
      };
      const memory = createGuestMemory([8 * MIB]);
      const guest = await guestsWith(late).createGuest(memory, new Uint8Array());
      fill(guest, BEFORE, 1);
      const report = await sourceFor(guest, receiving.port, { strategy, verify: false }).migrate();
      expect(report.outcome).toBe('completed');
      const expected = new Map([
        ...BEFORE.map((page) => [page, 1]),
        ...LATE.map((page) => [page, 2]),
      ] as [number, number][]);
      expect(content(await receiving.nextArrived())).toEqual(
        [...expected].sort(([a], [b]) => a - b),
      );
    });
  },
);
