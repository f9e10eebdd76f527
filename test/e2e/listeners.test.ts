/** Who listens to a migration cannot get in its way. */
import { describe, expect, it } from 'vitest';
import { LISTENER_FAILED } from '../../src/announcer.js';
import type { SourceEvents } from '../../src/metrics/events.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { until } from '../support/until.js';

/** The warnings from here on, until the test ends. */
function warnings(): (Error & { code?: string })[] {
  const seen: Error[] = [];
  const listener = (warning: Error) => void seen.push(warning);
  process.on('warning', listener);
  atEnd(() => void process.off('warning', listener));
  return seen;
}

const FAILURES: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('a bug in a progress bar');
  },
  'is async and rejects': async () => {
    throw new Error('a bug in a progress bar');
  },
};

describe.each(Object.entries(FAILURES))('a listener that %s', (_how, fail) => {
  it.each(['phase', 'round', 'progress'] as const)(
    'at every %s changes nothing, and is told as a warning',
    async (event: keyof SourceEvents) => {
      const receiving = await Receiving.start();
      const seen = warnings();
      const guest = await startGuest({ memoryBytes: 2 * MIB });
      const source = sourceFor(guest, receiving.port, {
        strategy: 'pre-copy',
        otherwise: 'post-copy',
        maxRounds: 2,
        downtimeBudgetMs: 0,
        // Long enough that the guest writes in every round, also when others have the cores: deltas would end one at once.
        compression: 'raw',
        bandwidthBytesPerSecond: 16 * MIB,
      });
      const heard: string[] = [];
      source.on(event, () => void heard.push('before'));
      source.on(event, fail as () => void);
      source.on(event, () => void heard.push('after'));
      expect(await source.migrate()).toMatchObject({ outcome: 'completed', guestVerified: true });
      await expectUnharmed(await receiving.nextArrived());
      expect(heard.length).toBeGreaterThanOrEqual(2);
      expect(heard).toEqual(heard.map((_, at) => (at % 2 === 0 ? 'before' : 'after')));
      await until('the warnings are there', () => seen.length >= heard.length / 2);
      for (const warning of seen) {
        expect(warning).toMatchObject({ code: LISTENER_FAILED });
        expect(warning.message).toContain(`'${event}'`);
        expect(warning.message).toContain('a bug in a progress bar');
      }
    },
  );
});

describe.each(Object.entries(FAILURES))('a listener of a destination that %s', (_how, fail) => {
  it('at every event changes nothing, and is told as a warning', async () => {
    const receiving = await Receiving.start();
    const seen = warnings();
    const events = ['arriving', 'arrived', 'dropped'] as const;
    for (const event of events) receiving.destination.on(event, fail as () => void);
    await receiving.expectServesNext('post-copy');
    const guest = await startGuest({ memoryBytes: MIB });
    const source = sourceFor(guest, receiving.port, { strategy: 'pre-copy' });
    source.on('phase', (phase) => phase === 'copy-rounds' && source.cancel());
    expect((await failureOf(source.migrate())).code).toBe('CANCELLED');
    await receiving.nextDropped();
    await receiving.expectServesNext('stop-and-copy');
    const told = () => seen.map(({ message }) => /'(\w+)'/.exec(message)?.[1]);
    await until('the warnings are there', () => events.every((event) => told().includes(event)));
    expect(new Set(seen.map(({ code }) => code))).toEqual(new Set([LISTENER_FAILED]));
  });
});
