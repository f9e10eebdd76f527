/** Sends the guest's pages while it runs, round by round. */
import type { RoundReport } from '../../metrics/report.js';
import type { PageSet } from '../../native/memory.js';
import type { Decision } from '../../policy/convergence.js';
import { ask } from '../../strategy/strategy.js';
import { arm, needsTracker } from '../arming.js';
import type { SourceMigration } from '../migration.js';
import { notConverging } from '../not-converging.js';
import type { Observer } from '../observer.js';
import { bytesMove } from '../patience.js';

/** Rounds while the guest runs, for as long as the strategy asks (post-copy: none). It still runs on return. */
export async function copyRounds(m: SourceMigration, observer: Observer): Promise<Decision> {
  const next = (): Decision => {
    const { decision, preCopy } = ask(m.options.strategy, m.recorder.rounds);
    m.recorder.decided(preCopy);
    if (decision === 'abort') throw notConverging(preCopy);
    return decision;
  };
  let decision = next();
  // Armed before the set is taken: what becomes populated from here on is found dirty.
  if (decision === 'next-round') await arm(m);
  m.pending = await m.guest.memory.findPopulated();
  m.throwIfCalledOff();
  if (decision === 'post-copy' && needsTracker(m)) {
    await arm(m);
    m.pending = await m.guest.memory.findPopulated();
  }
  while (decision === 'next-round') {
    const number = m.recorder.rounds.length;
    const round = await copyRound(m, m.pending, () =>
      observer.sending(m.pending?.count() ?? 0, number),
    );
    observer.round(round, number);
    m.throwIfCalledOff();
    decision = next();
  }
  return decision;
}

/** Sends the pending pages and finds what the guest wrote meanwhile: the next pending pages. */
async function copyRound(
  m: SourceMigration,
  pages: PageSet,
  announce: () => void,
): Promise<RoundReport> {
  const { sender, tracker } = running(m);
  const started = performance.now();
  announce();
  const stats = await sender.sendRound(pages, tracker);
  m.send({ type: 'round', sync: sender.lastSync });
  await m.expect('rounded', { withinMs: m.options.stallMs, isUnderWay: bytesMove(sender) });
  pages.clear();
  await tracker.harvest(pages);
  m.recorder.keptVersions(sender.versionBytes);
  return m.recorder.round(
    stats,
    performance.now() - started,
    pages.count(),
    m.effort?.report ?? null,
  );
}

function running(m: SourceMigration) {
  if (m.sender === undefined || m.tracker === undefined) throw new Error('no round is under way');
  return { sender: m.sender, tracker: m.tracker };
}
