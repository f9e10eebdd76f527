/**
 * The end of a migration that did not complete. The order counts: nobody runs the guest while this goes on. So it is
 * resumed first, where it is ours to resume; only then is the destination told, and asked why. A guest that was given up is
 * not ours: the destination is told nothing then (docs/protocol.md, 3.1). What fails in cleaning up becomes a process
 * warning, and changes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PageferryError } from '../errors.js';
import { guestCall, observeGuest } from '../guest/guest-call.js';
import { endCapture } from '../native/capture.js';
import { peerError } from '../protocol/channel.js';
import type { SourceMigration } from './migration.js';
import { type Verdict, verdictOn } from './outcome.js';

/** The code of the process warning about something that could not be cleaned up. */
export const CLEANUP_FAILED = 'PAGEFERRY_CLEANUP_FAILED';

/** The code of the process warning about a capture that is not whole. */
export const CAPTURE_CUT = 'PAGEFERRY_CAPTURE_CUT';

/** A page channel may break before the message that says why has come. */
const LAST_WORDS_MS = 1000;

/** On return the guest runs here again, unless it was given up. Never rejects. */
export async function giveUp(m: SourceMigration, first: PageferryError): Promise<Verdict> {
  m.fail(first);
  let resumeFailure: string | undefined;
  // Once it was given up, what becomes of the guest is for the destination to say, and nothing here ends that.
  if (m.isOurs) {
    resumeFailure = await resumeHere(m);
    m.tellPeer({ type: 'failed', code: first.code, message: first.message });
  }
  const reason = await lastWords(m, first);
  // The one way back over the commit point: docs/protocol.md, section 4.
  if (m.custody === 'given-up' && m.peerGaveUp?.neverRan === true) {
    m.custody = 'taken-back';
    resumeFailure = await resumeHere(m);
  }
  observeHere(m);
  return verdictOn({
    custody: m.custody,
    code: reason.code,
    message: reason.message,
    resumeFailure,
    allSent: m.allSent,
    peerGaveUp: m.peerGaveUp !== undefined,
  });
}

/** What the guest felt here, if it is here and ran. */
function observeHere(m: SourceMigration): void {
  if (m.custody === 'running-here' && m.guest.isRunning === false) m.recorder.guestWasPaused();
  const seen = m.isHere ? observeGuest(m.guest) : null;
  if (seen !== null) m.recorder.observedOnSource(seen);
}

/** Why the guest could not be resumed; undefined when it runs, or did not run before. */
async function resumeHere(m: SourceMigration): Promise<string | undefined> {
  if (m.custody === 'running-here' || !m.ranBefore) return undefined;
  try {
    const deadlineMs = m.options.switchoverMs;
    await guestCall('resume', () => m.guest.resume(), { deadlineMs });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The first thing that went wrong; when the peer hung up, what it says about why. */
async function lastWords(m: SourceMigration, first: PageferryError): Promise<PageferryError> {
  // Of a guest that was given up it may be the one word that lets it run again.
  const mayTell = first.code === 'PEER_GONE' || m.custody === 'given-up';
  if (!mayTell || m.channel === undefined || m.peerGaveUp !== undefined) return first;
  const deadline = sleep(LAST_WORDS_MS, undefined, { ref: false });
  const said = await Promise.race([failedMessage(m).catch(() => undefined), deadline]);
  if (said === undefined) return first;
  m.peerGaveUp = said;
  return peerError(m.channel.peer, said.code, said.message);
}

async function failedMessage(m: SourceMigration) {
  for (;;) {
    const message = await m.take();
    if (message.type === 'failed') return message;
  }
}

/** Ends all native work and every connection. On return the figures are final. */
export async function stopEverything(m: SourceMigration): Promise<void> {
  await tidy('end a connection', () => {
    m.channel?.close();
    m.sender?.cancel();
    m.faultConnection?.close();
    m.server?.close();
  });
  // The tracker may be disarmed only once the final round has let go of it.
  await m.sending?.catch(() => {});
}

/** Lets go of everything that holds on to the guest's memory. */
export async function release(m: SourceMigration): Promise<void> {
  await tidy('disarm the dirty tracker', () => m.tracker?.disarm());
  for (const held of [m.sender, m.server, m.tracker]) {
    await tidy('let go of the guest', () => held?.release());
  }
}

/** Once the last words have gone out. What is missing from the capture becomes a process warning. */
export async function endOfCapture({ capture, channel }: SourceMigration): Promise<void> {
  if (capture === undefined) return;
  await channel?.closed;
  const failure = endCapture(capture);
  if (failure !== undefined) process.emitWarning(failure.message, { code: CAPTURE_CUT });
}

async function tidy(what: string, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`the source could not ${what}: ${reason}. The migration had ended before`, {
      code: CLEANUP_FAILED,
    });
  }
}

/** The migration's error, with what it comes to for the guest. */
export function errorOf({ code, message }: Verdict, first: PageferryError): PageferryError {
  return new PageferryError(code, message, {
    cause: first,
    ...(first.peer === undefined ? {} : { peer: first.peer }),
  });
}
