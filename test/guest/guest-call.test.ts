import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PageferryError } from '../../src/errors.js';
import type { Guest } from '../../src/guest/guest.js';
import {
  BYTES,
  discardGuest,
  GUEST,
  GUEST_WARNING,
  GuestOverdue,
  guestCall,
  observeGuest,
} from '../../src/guest/guest-call.js';
import { atEnd } from '../support/at-end.js';
import { rejection, until } from '../support/until.js';

const LONG_MS = 60_000;
const never = () => new Promise<never>(() => {});

/** The texts of process warnings about guests from here on. */
function guestWarnings(): string[] {
  const seen: string[] = [];
  const keep = (warning: Error & { code?: string }) => {
    if (warning.code === GUEST_WARNING) seen.push(warning.message);
  };
  process.on('warning', keep);
  atEnd(() => void process.off('warning', keep));
  return seen;
}

describe('a call into a guest', () => {
  it('answers what the guest answers', async () => {
    expect(await guestCall('count', async () => 7, { deadlineMs: LONG_MS })).toBe(7);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('not today'))],
    [
      'throws',
      () => {
        throw new Error('not today');
      },
    ],
    [
      'fails with a code of Node',
      () => Promise.reject(Object.assign(new Error('not today'), { code: 'ENOENT' })),
    ],
  ])('that %s is GUEST_FAILED', async (_how, call) => {
    const error = await rejection(guestCall('wake up', call, { deadlineMs: LONG_MS }));
    expect(error).toMatchObject({
      code: 'GUEST_FAILED',
      message: 'the guest failed to wake up: not today',
    });
  });

  it('keeps a code of ours', async () => {
    const ours = new PageferryError('NO_MEMORY', 'no room');
    const call = guestCall('be built', () => Promise.reject(ours), { deadlineMs: LONG_MS });
    expect(await rejection(call)).toBe(ours);
  });

  it.each([
    ['a string', 'text', BYTES, 'string'],
    ['an array', [1, 2], BYTES, 'Array'],
    ['nothing', undefined, BYTES, 'undefined'],
    ['nothing', undefined, GUEST, 'undefined'],
    ['half a guest', { memory: {}, pause() {} }, GUEST, 'Object'],
    ['an object of nobody', Object.create(null), GUEST, 'object'],
  ])('that answers %s instead is GUEST_FAILED', async (_what, value, answer, named) => {
    const call = guestCall<unknown>('answer', async () => value, { deadlineMs: LONG_MS, answer });
    const error = (await rejection(call)) as PageferryError;
    expect(error.code).toBe('GUEST_FAILED');
    expect(error.message).toContain(named);
    expect(error.message).toContain(answer.name);
  });

  it('that takes too long is GUEST_FAILED, and says which and how long', async () => {
    const error = await rejection(guestCall('load its state', never, { deadlineMs: 20 }));
    expect(error).toBeInstanceOf(GuestOverdue);
    expect(error).toMatchObject({
      code: 'GUEST_FAILED',
      message: 'the guest has taken more than 0.02 s to load its state',
    });
  });

  it('ends with the reason of its signal as soon as that is aborted', async () => {
    const cancel = new AbortController();
    const call = guestCall('pause', never, { deadlineMs: LONG_MS, signal: cancel.signal });
    const reason = new PageferryError('CANCELLED', 'enough');
    cancel.abort(reason);
    expect(await rejection(call)).toBe(reason);
  });

  it('is not made any more when its signal was aborted before', async () => {
    const reason = new PageferryError('CANCELLED', 'enough');
    let called = false;
    const call = async () => {
      called = true;
    };
    const options = { deadlineMs: LONG_MS, signal: AbortSignal.abort(reason) };
    expect(await rejection(guestCall('pause', call, options))).toBe(reason);
    expect(called).toBe(false);
  });

  it.each(['deadline', 'signal'])('gives its answer to `late` after its %s', async (how) => {
    const cancel = new AbortController();
    let answer = (_: string) => {};
    const late: string[] = [];
    const call = guestCall(
      'be built',
      () =>
        new Promise<string>((resolve) => {
          answer = resolve;
        }),
      {
        deadlineMs: how === 'deadline' ? 1 : LONG_MS,
        signal: cancel.signal,
        late: (value) => late.push(value),
      },
    );
    if (how === 'signal') cancel.abort(new PageferryError('CANCELLED', 'enough'));
    await rejection(call);
    expect(late).toEqual([]);
    answer('a guest');
    await until('the answer is let go of', () => late.length > 0);
    expect(late).toEqual(['a guest']);
  });

  it('that rejects late, and a `late` that throws, end nothing', async () => {
    const warnings = guestWarnings();
    let fail = (_: Error) => {};
    let answer = () => {};
    const failing = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const answering = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const late = () => {
      throw new Error('the wrong guest');
    };
    await rejection(guestCall('resume', () => failing, { deadlineMs: 1 }));
    await rejection(guestCall('be built', () => answering, { deadlineMs: 1, late }));
    fail(new Error('too late'));
    answer();
    await until('the warning', () => warnings.length > 0);
    await nextTurn();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('the wrong guest');
  });
});

describe('a guest that nobody waits for', () => {
  const guest = (own: object) => own as Guest;

  it.each([
    [
      'throws',
      () => {
        throw new Error('I stay');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('I stay'))],
  ])('and that %s when it is discarded becomes a warning', async (_how, discard) => {
    const warnings = guestWarnings();
    discardGuest(guest({ discard }));
    await until('the warning', () => warnings.length > 0);
    expect(warnings[0]).toMatch(/discarded: I stay/);
  });

  it('and whose probe fails says nothing about itself', async () => {
    const warnings = guestWarnings();
    const observe = () => {
      throw new Error('look away');
    };
    expect(observeGuest(guest({ probe: { observe } }))).toBeNull();
    await until('the warning', () => warnings.length > 0);
    expect(observeGuest(guest({}))).toBeNull();
  });
});
