/** Path of one of the bench's native programs, built if need be. */
export function buildNative(name: string): string;
/**
 * Builds and runs one of the bench's native programs, and answers the object that it printed. Rejects with
 * what the program said when it failed.
 */
export function runNative(
  name: string,
  args: readonly (string | number)[],
  options?: { readonly signal?: AbortSignal },
): Promise<unknown>;
