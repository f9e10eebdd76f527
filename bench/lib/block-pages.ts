// Blocks of so many pages at most, whatever the engine would choose: how `bench codecs` measures LZ4 page by page. No
// option of the engine says it, so its addon is told another plan than the engine has made.
import { binding } from '#engine/native/binding.js';
import type { EffortPlan, Rung } from '#engine/native/effort.js';

function limited(rung: Rung, most: number): Rung {
  return rung.method === 'blocks' ? { ...rung, blockPages: Math.min(rung.blockPages, most) } : rung;
}

/** For all migrations of this process from now on. */
export function limitBlockPages(most: number): void {
  const limit = (plan: EffortPlan): EffortPlan => ({
    ...plan,
    lower: limited(plan.lower, most),
    upper: limited(plan.upper, most),
  });
  const create = binding.createPageSender;
  binding.createPageSender = (memory, connections, bucket, encoding, sendBufferBytes) => {
    const told = { ...encoding, effort: limit(encoding.effort) };
    const sender = create(memory, connections, bucket, told, sendBufferBytes);
    const setEffort = sender.setEffort.bind(sender);
    // The addon's own methods cannot be assigned to.
    const value = (plan: EffortPlan) => setEffort(limit(plan));
    Object.defineProperty(sender, 'setEffort', { value });
    return sender;
  };
}
