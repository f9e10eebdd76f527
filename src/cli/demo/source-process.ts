/** The demo's source: makes a guest for each migration and moves it to the demo's destination. */
import { GuestMigration } from '../guest-migration.js';
import { sendToParent, serveParent } from './child.js';
import type { FromSource, ToSource } from './messages.js';

const send = sendToParent<FromSource>;
let underWay: GuestMigration | undefined;

serveParent<ToSource>('source', async (message) => {
  if (message.type === 'cancel') {
    if (underWay?.cancel() === false) send({ type: 'too-late' });
    return;
  }
  underWay = new GuestMigration({
    filled: (summary) => send({ type: 'filled', summary }),
    phase: (phase) => send({ type: 'phase', phase }),
    round: (round, number) => send({ type: 'round', round, number }),
    progress: (progress) => send({ type: 'progress', progress }),
  });
  try {
    send({ type: 'ended', report: await underWay.run(message.guest, message.options) });
  } finally {
    underWay = undefined;
  }
});
