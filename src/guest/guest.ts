/** What Pageferry migrates, as the program that owns the guest describes it. */
import type { GuestMemory } from '../native/memory.js';
import type { Verification } from '../native/workload.js';

/**
 * A guest: memory, and something that runs on it and can be paused. One migration at a time makes the calls, and its
 * owner leaves it alone meanwhile. A guest whose migration failed before the commit point is as it was before.
 *
 * It runs on threads of its own: native ones, or a Worker that has a `workerWindow()` of the memory, which
 * `discard()` terminates. One that runs on the JavaScript thread that listens takes a `window()`, and then it cannot
 * arrive by post-copy or hybrid: it would wait for pages on the thread that has to see to them.
 *
 * What a dirty tracker sees of a guest that runs is what its threads write, and, unless it is `mprotect`, what
 * the kernel writes for them. No tracker sees a device write: into pages that are pinned for O_DIRECT, for
 * io_uring's fixed buffers or for VFIO, data may land after the harvest that was to find it. Let such transfers
 * end, and begin none, from the start of a migration to its end, or migrate by stop-and-copy and let them end in
 * `pause()`.
 *
 * A guest may discard pages while it runs (punch holes into its memory): what is still a hole when it is paused
 * arrives as zeros, for half a millisecond of downtime for each GiB that was sent, if there is any hole. A page that
 * was discarded and then read, and not written, is no hole any more: it may arrive with the content it had before,
 * so a guest that counts on zeros there writes them.
 *
 * Each call has a deadline: `switchoverMs` on the source, and 30 s on the destination. A call that rejects, answers
 * something else than it should, or takes longer, ends the migration with GUEST_FAILED. Up to the commit point the guest
 * is then resumed on the source; and it is resumed there again when the destination's resume() failed. A cancel, or the
 * other side's going, ends the wait for a call at once; on the destination discard() may follow then.
 */
export interface Guest {
  /** One or more regions. The same object for the guest's whole life on this host. */
  readonly memory: GuestMemory;
  /**
   * Whether the kernel reads or writes this memory while the guest runs: system calls (`read`, `send`), KVM, vhost.
   *
   * True: a migration that would need the dirty tracker `mprotect` is refused (UNSUPPORTED) before it starts. That is
   * what is left where userfaultfd cannot be used, and it makes the kernel's writes fail with EFAULT.
   *
   * False, never: the guest may also arrive by post-copy where the user may have only the faults of user mode served.
   * There a system call that touches a missing page fails with EFAULT.
   *
   * Without it nobody knows: mprotect is used with a warning, and post-copy only where every fault is served.
   */
  readonly kernelTouches?: boolean;
  /**
   * False when its owner has paused it. It is then neither paused nor resumed, and arrives paused. Read just before the
   * pause; without it the guest counts as running.
   */
  readonly isRunning?: boolean;
  /**
   * On return nothing of the guest reads or writes its memory. Should it take too long, or the migration be cancelled
   * meanwhile, resume() comes while this is pending; then the guest has to run in the end.
   */
  pause(): Promise<void>;
  /**
   * Starts or continues the guest. It may come while pause() or saveState() is pending, and for a guest that runs. One
   * that rejects has not started the guest, or has stopped it again: when that is the destination's, the source runs it.
   */
  resume(): Promise<void>;
  /**
   * Paused only: vCPU and device state, opaque to Pageferry. Travels during the downtime: keep it small. A state that is
   * longer than the destination takes (256 MiB at most) ends the migration, and the guest is resumed here.
   */
  saveState(): Promise<Uint8Array>;
  /** The most bytes that saveState() answers. With it a state that is too long is found before the pause. */
  readonly maxStateBytes?: number;
  /** Before the first resume of a guest that arrives. */
  loadState(state: Uint8Array): Promise<void>;
  /** What the destination's factory needs to build this guest; sent before any page. */
  describe?(): Uint8Array;
  /**
   * Nobody needs the guest here any more: it never ran here and never will, it was lost and is let go of, or the process
   * exits while pages are missing. Stop it, without waiting for its threads, and let its memory go. On return no thread
   * of it goes on: a thread that waits for a missing page is woken right after, and would read zeros. An error becomes a
   * process warning.
   */
  discard?(): void;
  /** What the guest can say about itself; fills the report's guest figures. */
  readonly probe?: GuestProbe;
}

export interface GuestProbe {
  /** What runs in the guest, for the report. */
  readonly workload: string;
  /** What its memory was filled with at first, for the report. */
  readonly fill?: string | null;
  /**
   * So far apart the marks of one of its threads may be while nothing disturbs it: a gap is longer than what disturbed
   * the guest by no more. For the report; without it nobody knows.
   */
  readonly gapResolutionMs?: number;
  /** From here on the longest gap between two marks of one guest thread is recorded. */
  startGapWatch(): void;
  /** Asked two hundred times a second from the start of a migration to the pause: cheap, and never waiting for the guest. */
  observe(): GuestObservation;
  /** Arriving guest, just after its resume here: how long nobody ran it, up to then. */
  setTimeAway(nanoseconds: number): void;
  /**
   * CLOCK_MONOTONIC, as `process.hrtime.bigint()` reads it: when the last resume() let the guest run. Without it the
   * downtime ends when resume() has returned, which may be later: the guest's threads take the core.
   */
  resumedAtNs?(): bigint;
  /**
   * Paused only, every page in place: compares so many pages, spread over the memory, with what they must hold; all of
   * them by default, and where there are no more. One that cannot choose compares all.
   */
  verify(pages?: number): Promise<Verification>;
}

export interface GuestObservation {
  /** Operations since the guest was first started, on whatever host. */
  readonly operations: number;
  /** Since startGapWatch, downtime included; 0 for a guest that makes no marks. */
  readonly longestGapMs: number;
}

/**
 * Builds the guest that `description` describes around memory that a migration is about to fill. A guest that is built
 * too late is discarded.
 */
export type GuestFactory = (memory: GuestMemory, description: Uint8Array) => Promise<Guest>;
