/** When a migration needs a dirty tracker, and how it gets one. */
import { PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import type { SourceMigration } from './migration.js';

/** Runs of populated pages. A look at the hole behind each takes a microsecond, while the guest is paused. */
const MOST_RUNS_LOOKED_AT = 256;

/**
 * Post-copy without a round needs to know only what became populated until the pause. Where the holes are few a look at
 * them finds it, once the guest is paused. A tracker would slow the guest down until then: each first write to a page
 * faults.
 */
export function needsTracker({ pending, options }: SourceMigration): boolean {
  const isScattered = (pending?.countRuns(MOST_RUNS_LOOKED_AT + 1) ?? 0) > MOST_RUNS_LOOKED_AT;
  return isScattered && options.tracker.kind === 'use';
}

/**
 * On return the guest's writes are tracked. Throws UNSUPPORTED where no tracker can be had, and what has ended the
 * migration meanwhile.
 */
export async function arm(m: SourceMigration): Promise<void> {
  const choice = m.options.tracker;
  if (choice.kind === 'refuse') throw new PageferryError('UNSUPPORTED', choice.reason);
  const { tracker, warning } = choice;
  m.tracker = binding.createDirtyTracker(m.guest.memory, tracker, (error) =>
    m.trackingFailed(error),
  );
  m.recorder.tracked(tracker);
  if (warning !== undefined) process.emitWarning(warning, { code: 'PAGEFERRY_MPROTECT' });
  await m.tracker.arm();
  m.throwIfCalledOff();
}
