/**
 * The source's half of the protocol, phase by phase (docs/protocol.md, its overview). Each phase is a file of its name
 * in phases/.
 *
 * Up to commitSwitchover every failure leaves the guest to be resumed here, with nothing lost; from its
 * `resume` message on the source resumes the guest only when the destination says that it never ran there.
 */
import type { SourcePhase } from '../metrics/events.js';
import type { SourceMigration } from './migration.js';
import type { Observer } from './observer.js';
import { commitSwitchover } from './phases/commit-switchover.js';
import { copyRounds } from './phases/copy-rounds.js';
import { finalRound } from './phases/final-round.js';
import { finish } from './phases/finish.js';
import { negotiate } from './phases/negotiate.js';
import { openChannels } from './phases/open-channels.js';
import { pauseGuest } from './phases/pause-guest.js';
import { pushResidualSet } from './phases/push-residual-set.js';
import { verify } from './phases/verify.js';

/** The whole migration. On return the guest runs on the destination and needs nothing from here. */
export async function runPhases(m: SourceMigration, observer: Observer): Promise<void> {
  const phase = async <T>(name: SourcePhase, run: () => Promise<T>): Promise<T> => {
    m.throwIfCalledOff();
    observer.phase(name);
    // Whoever is told of the phase may cancel the migration right there.
    m.throwIfCalledOff();
    return await run();
  };
  await phase('negotiate', () => negotiate(m));
  await phase('open-channels', () => openChannels(m));
  const decision = await phase('copy-rounds', () => copyRounds(m, observer));
  const paused = await phase('pause-guest', () => pauseGuest(m));
  const final = await phase('final-round', () => finalRound(m, decision, paused, observer));
  await phase('commit-switchover', () => commitSwitchover(m, paused, final));
  if (decision === 'post-copy') {
    await phase('push-residual-set', () => pushResidualSet(m, observer));
  }
  await phase('finish', () => finish(m));
  if (m.options.verify || m.options.observeMs > 0) await phase('verify', () => verify(m));
  m.send({ type: 'bye' });
}
