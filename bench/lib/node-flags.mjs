// What Node is started with here, as `pageferry` starts it.

/**
 * V8 collects the heap of a process 8 s after it began, and again soon, because nothing happens in it: for 10 ms or
 * more on every core, in both processes of a migration at once. docs/decisions/0021-idle-collections.md.
 */
export const NODE_FLAGS = ['--no-memory-reducer'];
