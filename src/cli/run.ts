/** Runs what a command does and keeps its exit code. */
export type Run = (action: () => Promise<number>) => Promise<void>;
