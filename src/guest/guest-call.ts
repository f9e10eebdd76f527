/** Calls into a guest: code that is not ours. It may fail, answer anything, or never come back. */
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest, GuestObservation } from './guest.js';

/** The code of the process warning about a guest that failed where nobody waits for it any more. */
export const GUEST_WARNING = 'PAGEFERRY_GUEST_FAILED';

/** GUEST_FAILED of a call that has passed its deadline: what it did, or will do, nobody knows. */
export class GuestOverdue extends PageferryError {}

/** What a call has to answer. */
export interface Answer {
  /** For the error: `a Uint8Array`. */
  readonly name: string;
  accepts(value: unknown): boolean;
}

/** What a guest's state must be. */
export const BYTES: Answer = {
  name: 'a Uint8Array',
  accepts: (value) => value instanceof Uint8Array,
};

const GUEST_FUNCTIONS = ['pause', 'resume', 'saveState', 'loadState'] as const;

/** What a factory must answer. */
export const GUEST: Answer = {
  name: `a guest with memory, ${GUEST_FUNCTIONS.join(', ')}`,
  accepts: (value) => {
    if (typeof value !== 'object' || value === null || !('memory' in value)) return false;
    const guest = value as Readonly<Record<string, unknown>>;
    return GUEST_FUNCTIONS.every((name) => typeof guest[name] === 'function');
  },
};

export interface GuestCallOptions<T> {
  /** So long the call may take. */
  readonly deadlineMs: number;
  /**
   * Aborted with a PageferryError when nobody wants the answer any more: the user cancelled, the peer has gone. Without
   * one the call is waited for until its deadline.
   */
  readonly signal?: AbortSignal;
  /** What it must answer; anything by default. */
  readonly answer?: Answer;
  /** Gets what the call answered after its deadline or after `signal`, so that it can be let go of. */
  readonly late?: (value: T) => void;
}

/**
 * What the call answers. `what` completes *the guest failed to …*.
 *
 * Rejects with GUEST_FAILED when the call fails, unless its error has a code of ours that says more; when it answers
 * something else than `answer`; and, as GuestOverdue, when it has taken `deadlineMs`. Rejects with the signal's reason as
 * soon as that is aborted, and does not call the guest at all when it was before. The call itself cannot be ended: what
 * it does after that is the guest's affair, and its rejection is not reported.
 */
export function guestCall<T>(
  what: string,
  call: () => Promise<T>,
  { deadlineMs, signal, answer, late }: GuestCallOptions<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    let over = false;
    // A plain timer and one listener: an abortable sleep builds an error to end it, which costs 0.6 ms the first time,
    // and the guest may be paused.
    const end = (settle: () => void) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => end(() => reject(signal?.reason));
    const timer = setTimeout(() => {
      const text = `the guest has taken more than ${deadlineMs / 1000} s to ${what}`;
      const error = new GuestOverdue('GUEST_FAILED', text);
      end(() => reject(error));
    }, deadlineMs);
    signal?.addEventListener('abort', onAbort);
    const onAnswer = (value: T) => {
      if (over) orWarn(what, () => late?.(value));
      else if (answer?.accepts(value) !== false) end(() => resolve(value));
      else end(() => reject(wrongAnswer(what, value, answer)));
    };
    // A call that throws instead of rejecting fails all the same.
    (async () => await call())().then(onAnswer, (error) => end(() => reject(failure(what, error))));
  });
}

/** Tells the guest that it is not needed. A guest that fails at that becomes a process warning. */
export function discardGuest(guest: Guest): void {
  orWarn('be discarded', () => guest?.discard?.());
}

/** What a probe says; `otherwise` where it fails, which becomes a process warning. */
export function askGuest<T>(what: string, otherwise: T, ask: () => T): T {
  let answer = otherwise;
  orWarn(what, () => {
    answer = ask();
  });
  return answer;
}

/** What the guest says about itself; null when it has no probe, or one that fails. */
export function observeGuest(guest: Guest): GuestObservation | null {
  return askGuest('be observed', null, () => guest.probe?.observe() ?? null);
}

function failure(what: string, error: unknown): PageferryError {
  const ours = asPageferryError(error, `the guest failed to ${what}`);
  // A code that is none of ours becomes INTERNAL, which a guest's own failure is not.
  if (error instanceof PageferryError || ours.code !== 'INTERNAL') return ours;
  return guestFailed(ours.message, error);
}

function wrongAnswer(what: string, value: unknown, { name }: Answer): PageferryError {
  return guestFailed(
    `the guest failed to ${what}: it answered ${kindOf(value)} instead of ${name}`,
  );
}

function guestFailed(message: string, cause?: unknown): PageferryError {
  return new PageferryError('GUEST_FAILED', message, cause === undefined ? {} : { cause });
}

function orWarn(what: string, run: () => void): void {
  const warn = (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`the guest failed to ${what}: ${reason}. The migration is not affected`, {
      code: GUEST_WARNING,
    });
  };
  try {
    // What an async discard() answers is a promise, and its rejection nobody would handle.
    Promise.resolve(run()).catch(warn);
  } catch (error) {
    warn(error);
  }
}

/** `undefined`, `a value of type string`, `a value of type Promise`. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const kind = typeof value === 'object' ? value.constructor?.name : typeof value;
  return `a value of type ${kind ?? 'object'}`;
}
