import { describe, expect, it } from 'vitest';
import type { EffortPlan } from '../../../src/native/effort.js';
import { LZ4, RAW, WKDM, zstd } from '../../../src/policy/effort/plan.js';
import { stagePlan } from '../../../src/policy/effort/stage.js';

const REST = { deltas: 'zstd', encoders: 3, queueBytes: 1 << 20 } as const;

function plan(lower: EffortPlan['lower'], upper: EffortPlan['upper']): EffortPlan {
  return { lower, upper, ...REST };
}

describe('a plan', () => {
  it('stays as it is while the guest runs here', () => {
    const live = plan(zstd(3), zstd(9));
    expect(stagePlan(live, 'live')).toEqual(live);
  });

  it('has no slow level and no long block once the guest is paused', () => {
    expect(stagePlan(plan(zstd(3), zstd(9)), 'final')).toEqual(plan(zstd(1), zstd(1)));
    expect(stagePlan(plan(zstd(1), zstd(3)), 'final')).toEqual(plan(zstd(1), zstd(1)));
  });

  it.each([[RAW], [WKDM], [LZ4], [zstd(1)], [{ method: 'mecom' } as const]])(
    'keeps a rung that is fast in every stage',
    (rung) => {
      expect(stagePlan(plan(rung, rung), 'final')).toEqual(plan(rung, rung));
      expect(stagePlan(plan(rung, rung), 'push')).toMatchObject({ lower: rung, upper: rung });
    },
  );

  it('makes no deltas in a push, and takes the lower rung whatever the queue', () => {
    expect(stagePlan(plan(LZ4, zstd(1)), 'push')).toEqual({ ...plan(LZ4, LZ4), deltas: 'none' });
    expect(stagePlan(plan(zstd(3), zstd(9)), 'push')).toEqual({
      ...plan(zstd(1), zstd(1)),
      deltas: 'none',
    });
  });
});
