import { describe, expect, it } from 'vitest';
import type { Probe } from '../../src/native/constants.js';
import type { TrackerKind } from '../../src/native/memory.js';
import { chooseTracker } from '../../src/policy/tracker.js';

function machineWhoseBestIs(tracker: TrackerKind): Probe {
  const lacking = { available: false, reason: 'this user may not', remedy: 'run as root' };
  const works = { available: true, reason: '', remedy: '' };
  const isBest = tracker === 'uffd-wp-async';
  return {
    kernel: '6.18',
    tracker,
    capabilities: [{ name: 'uffd-wp-async', ...(isBest ? works : lacking) }],
  };
}

const GOOD = machineWhoseBestIs('uffd-wp-async');
const POOR = machineWhoseBestIs('mprotect');

describe('the dirty tracker', () => {
  it.each(['uffd-wp-async', 'uffd-wp-sync'] as const)('%s serves every guest', (best) => {
    for (const kernelTouches of [true, false, undefined]) {
      const offered = machineWhoseBestIs(best);
      const choice = chooseTracker({ wanted: undefined, offered, kernelTouches });
      expect(choice).toEqual({ kind: 'use', tracker: best });
    }
  });

  it('mprotect is refused to a guest whose memory the kernel writes, on request too', () => {
    for (const [wanted, offered] of [
      [undefined, POOR],
      ['mprotect', POOR],
      ['mprotect', GOOD],
    ] as const) {
      const choice = chooseTracker({ wanted, offered, kernelTouches: true });
      expect(choice).toMatchObject({ kind: 'refuse', reason: expect.stringMatching(/EFAULT/) });
    }
  });

  it('a refused fallback says what keeps the better ones away, and what would bring them', () => {
    const choice = chooseTracker({ wanted: undefined, offered: POOR, kernelTouches: true });
    expect(choice).toMatchObject({
      reason: expect.stringMatching(/this user may not; run as root/),
    });
  });

  it('falling back to mprotect comes with a warning, and asking for it does not', () => {
    const fallback = chooseTracker({ wanted: undefined, offered: POOR, kernelTouches: undefined });
    expect(fallback).toMatchObject({
      kind: 'use',
      tracker: 'mprotect',
      warning: expect.stringMatching(/run as root.*EFAULT/),
    });
    const asked = chooseTracker({ wanted: 'mprotect', offered: GOOD, kernelTouches: undefined });
    expect(asked).toEqual({ kind: 'use', tracker: 'mprotect' });
  });

  it('mprotect does no harm to a guest whose memory the kernel never touches: no warning', () => {
    const choice = chooseTracker({ wanted: undefined, offered: POOR, kernelTouches: false });
    expect(choice).toEqual({ kind: 'use', tracker: 'mprotect' });
  });
});
