/** Events whose listeners cannot get in the way of what they are told about. */
import { EventEmitter } from 'node:events';

/** The code of the process warning about a listener that failed. */
export const LISTENER_FAILED = 'PAGEFERRY_LISTENER_FAILED';

/** Node's own emitter, with the names and arguments of its events as types. */
export class Announcer<
  Events extends { [K in keyof Events]: unknown[] },
> extends EventEmitter<Events> {
  /**
   * Calls every listener of the event, in the order in which they were added. A listener that throws, or whose promise
   * rejects, becomes a process warning with the code LISTENER_FAILED; the others are called all the same, and the
   * caller goes on. Otherwise a mistake in a progress bar would end a migration, and lose its guest.
   */
  protected tell<K extends keyof Events & string>(event: K, ...args: Events[K]): void {
    for (const listener of this.rawListeners(event as never)) {
      try {
        // What an async listener answers is a promise, and its rejection nobody would handle.
        Promise.resolve(Reflect.apply(listener, this, args)).catch((error: unknown) =>
          warn(event, error),
        );
      } catch (error) {
        warn(event, error);
      }
    }
  }
}

function warn(event: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(
    `a listener of '${event}' failed: ${reason}. The migration goes on. Mend the listener`,
    {
      code: LISTENER_FAILED,
      ...(error instanceof Error && error.stack !== undefined ? { detail: error.stack } : {}),
    },
  );
}
