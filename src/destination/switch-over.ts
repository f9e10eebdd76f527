/** From `switchover` to a guest that could run. */
import { PageferryError } from '../errors.js';
import { guestCall } from '../guest/guest-call.js';
import { binding } from '../native/binding.js';
import type { Connection } from '../native/connections.js';
import type { SourceMessage } from '../protocol/messages.js';
import { unlessAborted, whileProgress } from './patience.js';
import type { Hold, Switchover } from './state.js';

export interface SwitchoverContext {
  readonly peer: string;
  readonly stallMs: number;
  readonly guestCallMs: number;
  readonly signal: AbortSignal;
  /** Post-copy: the last page has come; a channel failed. */
  readonly onAllHere: () => void;
  readonly onChannelFailure: (error: Error) => void;
}

/** On return every page channel has delivered the sync. PEER_SILENT when they bring nothing any more. */
export async function reached(
  { receiver }: Hold,
  sync: number,
  { peer, stallMs, signal }: SwitchoverContext,
): Promise<void> {
  if (receiver.hasReached(sync)) return;
  await whileProgress(
    unlessAborted(receiver.waitSync(sync), signal),
    stallMs,
    () => receiver.progress().wireBytes,
    () =>
      new PageferryError('PEER_SILENT', `${peer} has sent nothing on its page channels`, { peer }),
  );
}

/** On return the guest could run: every page is here or known to be missing, its state is loaded. */
export async function switchOver(
  hold: Hold,
  fault: Connection | undefined,
  message: Extract<SourceMessage, { type: 'switchover' }>,
  context: SwitchoverContext,
): Promise<Switchover> {
  const { peer, guestCallMs, signal } = context;
  if (message.postCopy && fault === undefined) {
    throw new PageferryError('PROTOCOL', `${peer} asked for post-copy without a fault channel`, {
      peer,
    });
  }
  // While the last pages are still on their way: nobody runs the guest after them.
  if (!message.postCopy) fault?.close();
  await reached(hold, message.sync, context);
  if (!message.postCopy) hold.arriving.complete();
  const started = performance.now();
  await guestCall('load its state', () => hold.guest.loadState(message.state), {
    deadlineMs: guestCallMs,
    signal,
  });
  const loaded = {
    pausedAtNs: message.pausedAtNs,
    loadStateMs: performance.now() - started,
    runs: message.running,
  };
  if (!message.postCopy || fault === undefined) return { ...loaded, handler: undefined };
  hold.arriving.startServing(context.onAllHere, hold.guest.kernelTouches === false);
  const handler = binding.startFaultHandler(
    hold.arriving,
    fault,
    hold.contents,
    context.onChannelFailure,
  );
  return { ...loaded, handler };
}
