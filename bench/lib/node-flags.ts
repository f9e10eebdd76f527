// What Node is started with here, as `pageferry` starts it.

/**
 * Without this flag V8 collects the whole heap of an idle process 8 s after it began, and again within a second. Each
 * collection takes about 10 ms on every core, in both processes of a migration at once. V8 reads the flag only when it
 * starts, so it cannot be set from within.
 */
export const NODE_FLAGS = ['--no-memory-reducer'];
