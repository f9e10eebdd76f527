/** Waits for the destination to say that every page is there. */
import type { SourceMigration } from '../migration.js';
import { bytesMove } from '../patience.js';

/** On return the source holds nothing that is needed. */
export async function finish(m: SourceMigration): Promise<void> {
  m.allSent = true;
  m.effort?.end();
  const { sender, server } = m;
  if (sender === undefined) throw new Error('no channels yet');
  const pushed = bytesMove(sender);
  let served = server?.stats().wireBytes;
  const isUnderWay = () => {
    const before = served;
    served = server?.stats().wireBytes;
    return pushed() || served !== before;
  };
  // A destination that misses pages gives up after its stall timeout, and says so: that is worth waiting for.
  const complete = await m.expect('complete', { withinMs: 2 * m.options.stallMs, isUnderWay });
  m.custody = 'arrived';
  m.recorder.completed(complete, complete.completedAtNs - m.clock.offsetNs);
}
