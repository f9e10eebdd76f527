/** Post-copy: sends the pages that are missing on the destination, where the guest runs. */
import type { SourceMigration } from '../migration.js';
import type { Observer } from '../observer.js';
import { paced } from '../pace.js';

/** Post-copy's active push, while the page server answers demand. On return every page was sent. */
export async function pushResidualSet(m: SourceMigration, observer: Observer): Promise<void> {
  const { sender, residual } = m;
  if (sender === undefined || residual === undefined) throw new Error('no residual set');
  observer.sending(residual.count(), m.recorder.rounds.length);
  m.effort?.enter('push');
  await paced(m, sender.push(residual));
  m.send({ type: 'pushed', sync: sender.lastSync });
}
