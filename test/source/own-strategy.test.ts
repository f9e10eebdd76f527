/** A strategy of somebody else's cannot harm the guest. */
import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/strategy/strategy.js';
import { failureOf, migrate, Receiving } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';

/** Two rounds, then what is to be tried. */
function afterTwoRounds(then: () => unknown): Strategy {
  return {
    name: 'mine',
    mayServeFaults: false,
    next: (rounds) => (rounds.length < 2 ? 'next-round' : (then() as 'abort')),
  };
}

const MISTAKES: readonly (readonly [string, () => unknown, string])[] = [
  ['throws', () => JSON.parse('{'), 'JSON'],
  ['answers nothing', () => undefined, 'answered undefined'],
  ['answers what there is not', () => 'go on', "answered 'go on'"],
  ['answers a promise', () => Promise.reject(new Error('late')), 'answered object'],
  ['answers post-copy unannounced', () => 'post-copy', 'Set mayServeFaults'],
];

describe('a strategy of your own', () => {
  it.each(MISTAKES)(
    'that %s ends its migration with USAGE, and the guest runs on',
    async (_what, then, message) => {
      const receiving = await Receiving.start();
      const guest = await startGuest({ memoryBytes: 2 * MIB });
      const error = await failureOf(
        migrate(guest, receiving.port, { strategy: afterTwoRounds(then) }),
      );
      expect(error).toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining(message),
        report: { strategy: 'mine', outcome: 'failed', guestLocation: 'source', preCopy: null },
      });
      expect(error.report.rounds).toHaveLength(2);
      await expectUnharmed(guest);
      await receiving.expectServesNext();
    },
  );

  it('that gives up is reported as such', async () => {
    const receiving = await Receiving.start();
    const guest = await startGuest({ memoryBytes: 2 * MIB });
    const strategy = afterTwoRounds(() => 'abort');
    const error = await failureOf(migrate(guest, receiving.port, { strategy }));
    expect(error).toMatchObject({ code: 'NOT_CONVERGING', report: { guestLocation: 'source' } });
    expect(error.message).toContain('its strategy says so');
  });
});
