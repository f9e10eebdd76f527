/** Calls into a guest: code that is not ours, and may fail in ways of its own. */
import { asPageferryError, nativeCode, PageferryError } from '../errors.js';

/** What the call answers. Throws GUEST_FAILED, unless the failure has a code that says more. */
export async function guestCall<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const tried = `the guest failed to ${what}`;
    if (error instanceof PageferryError || nativeCode(error) !== '') {
      throw asPageferryError(error, tried);
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new PageferryError('GUEST_FAILED', `${tried}: ${reason}`, { cause: error });
  }
}
