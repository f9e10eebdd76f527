/** The other end of child-process.ts: what both of the demo's processes have in common. */
import { asPageferryError } from '../../errors.js';
import type { ErrorMessage } from './messages.js';

export function sendToParent<Out>(message: Out): void {
  // Without the channel the parent is gone, and this process is about to be.
  if (process.connected) process.send?.(message);
}

function errorMessage(error: unknown): ErrorMessage {
  const { code, message } = asPageferryError(error, 'the demo failed');
  return { type: 'error', code, message };
}

/** A guest thread may be waiting for a page that will never come: no orderly exit would end it. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

function endWith(error: unknown): void {
  if (process.connected) process.send?.(errorMessage(error), endNow);
  else endNow();
}

/** Handles the parent's messages; whatever `handle` throws is told to the parent. */
export function serveParent<In>(name: string, handle: (message: In) => Promise<void>): void {
  process.title = `pageferry: ${name}`;
  // Ctrl-C reaches the whole process group; what to do then is for the parent to say.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', endNow);
  process.on('uncaughtException', endWith);
  process.on('unhandledRejection', endWith);
  process.on('message', (message) => {
    handle(message as In).catch((error: unknown) => sendToParent(errorMessage(error)));
  });
}
