import { describe, expect, it } from 'vitest';
import { OUTCOMES_REMEMBERED, Outcomes, REMEMBERED_MS } from '../../src/destination/outcomes.js';

/** Outcomes whose clock the test moves. */
function outcomes() {
  const clock = { ms: 1_000_000 };
  return { clock, known: new Outcomes(() => clock.ms) };
}

describe('an outcome', () => {
  it('is answered as it was, and for how long it has been so', () => {
    const { clock, known } = outcomes();
    known.remember('a', { state: 'failed', code: 'GUEST_FAILED', since: clock.ms });
    clock.ms += 1500;
    expect(known.of('a', undefined)).toEqual({
      state: 'failed',
      code: 'GUEST_FAILED',
      sinceMs: 1500,
    });
  });

  it('that nobody remembers is unknown', () => {
    const { known } = outcomes();
    expect(known.of('a', undefined)).toEqual({ state: 'unknown', code: '', sinceMs: 0 });
    expect(known.has('a')).toBe(false);
  });

  it('of a migration under way is how that stands', () => {
    const { clock, known } = outcomes();
    const underWay = { state: 'running', since: clock.ms - 10 } as const;
    expect(known.of('a', underWay)).toEqual({ state: 'running', code: '', sinceMs: 10 });
  });

  it('is remembered for an hour and no longer', () => {
    const { clock, known } = outcomes();
    known.remember('a', { state: 'complete', since: clock.ms });
    clock.ms += REMEMBERED_MS;
    expect(known.has('a')).toBe(true);
    clock.ms += 1;
    expect(known.has('a')).toBe(false);
    expect(known.of('a', undefined)).toMatchObject({ state: 'unknown' });
  });

  it('makes way, the oldest first, once there are as many as are kept', () => {
    const { clock, known } = outcomes();
    for (let i = 0; i <= OUTCOMES_REMEMBERED; i += 1) {
      known.remember(`${i}`, { state: 'complete', since: clock.ms });
    }
    expect(known.has('0')).toBe(false);
    expect(known.has('1')).toBe(true);
    expect(known.has(`${OUTCOMES_REMEMBERED}`)).toBe(true);
  });
});
