/** The last question, where it is asked for: is the guest that arrived what it must be? */
import { verifiedWithinMs } from '../../policy/deadlines.js';
import type { SourceMigration } from '../migration.js';

/** Lets the guest run on there for a while, and has its memory compared with what it must be. */
export async function verify(m: SourceMigration): Promise<void> {
  const { observeMs, stallMs } = m.options;
  m.send({ type: 'verify', observeMs, pages: pagesToCompare(m) });
  const withinMs = verifiedWithinMs(m.guest.memory.bytes, observeMs, stallMs);
  const { verification, guest } = await m.expect('verified', { withinMs });
  m.recorder.verified(verification, guest?.opsPerSecond ?? null);
}

function pagesToCompare({ options: { verify: wanted }, guest }: SourceMigration): number {
  if (typeof wanted === 'object') return wanted.pages;
  return wanted ? guest.memory.pageCount : 0;
}
