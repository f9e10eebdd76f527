import type { Socket } from 'node:net';

/** Settles when the socket is closed, also by a reset, for which events.once() would reject. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
