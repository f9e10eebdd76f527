/** The demo's destination: takes one guest after another and lets each go when its migration is over. */
import { listenForGuests } from '../builtin-destination.js';
import { sendToParent, serveParent } from './child.js';
import type { FromDestination, ToDestination } from './messages.js';

const send = sendToParent<FromDestination>;
const over = (): void => send({ type: 'over' });

serveParent<ToDestination>('destination', async ({ stallMs, images }) => {
  const destination = await listenForGuests(
    { stallMs, images },
    {
      arriving: () => {},
      arrived: (_peer, guest) => {
        guest.discard();
        over();
      },
      dropped: over,
      lost: over,
      stranger: () => {},
      warning: () => {},
    },
  );
  send({ type: 'listening', host: '127.0.0.1', port: destination.port });
});
