/** What native objects have in common. */
/**
 * Gigabytes and threads hang on these objects: release() lets go of them now instead of at some garbage
 * collection. Idempotent; other calls throw afterwards.
 */
export interface Releasable {
  release(): void;
}
