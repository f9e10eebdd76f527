/** One migration of a new built-in guest: what `source` does, and the demo's source process. */
import { PageferryError } from '../errors.js';
import {
  MigrationFailed,
  type MigrationReport,
  type RoundReport,
  rehearse,
  Source,
  type SourceOptions,
  type SourcePhase,
  type SourceProgress,
  WorkloadGuest,
  type WorkloadOptions,
} from '../index.js';

export interface MigrationWatcher {
  /** Of a fill whose extent nobody could know before: what was found, and how it is repeated. */
  filled(summary: string): void;
  phase(phase: SourcePhase): void;
  round(round: RoundReport, number: number): void;
  progress(progress: SourceProgress): void;
}

export class GuestMigration {
  readonly #watcher: MigrationWatcher;
  #source: Source | undefined;
  #stopMaking: () => void = () => {};
  /** The engine has begun to read, and perhaps track, the guest's memory. */
  #touched = false;

  constructor(watcher: MigrationWatcher) {
    this.#watcher = watcher;
  }

  /**
   * Makes the guest, lets it run and migrates it. On return the guest is gone from here and the report says
   * how it went, failures included. Rejects when there was no migration: the guest could not be made, or
   * the options make no sense, or it was cancelled before.
   */
  async run(guestOptions: WorkloadOptions, options: SourceOptions): Promise<MigrationReport> {
    const guest = await this.#makeGuest(guestOptions);
    const { fill } = guest.probe;
    const kind = guestOptions.fill?.kind;
    if ((kind === 'process' || kind === 'image') && fill) this.#watcher.filled(fill);
    try {
      const source = this.#watch(new Source(guest, options));
      await guest.resume();
      return await this.#migrate(guest, source, options.verify === true);
    } finally {
      guest.discard();
    }
  }

  /** False when it is too late: the migration goes on. */
  cancel(): boolean {
    this.#stopMaking();
    return this.#source?.cancel('cancelled on request') ?? true;
  }

  /** Filling a large memory takes seconds and cannot be stopped: a cancel does not wait for it. */
  #makeGuest(options: WorkloadOptions): Promise<WorkloadGuest> {
    const making = Promise.all([WorkloadGuest.create(options), rehearse()]).then(
      ([guest]) => guest,
    );
    return new Promise((resolve, reject) => {
      this.#stopMaking = () => {
        reject(new PageferryError('CANCELLED', 'cancelled before the migration began'));
        if (this.#source === undefined) making.then((guest) => guest.discard()).catch(() => {});
      };
      making.then(resolve, reject);
    });
  }

  #watch(source: Source): Source {
    this.#source = source;
    source.on('phase', (phase) => {
      if (phase === 'copy-rounds') this.#touched = true;
      this.#watcher.phase(phase);
    });
    source.on('round', (round, number) => this.#watcher.round(round, number));
    source.on('progress', (progress) => this.#watcher.progress(progress));
    return source;
  }

  async #migrate(guest: WorkloadGuest, source: Source, verify: boolean): Promise<MigrationReport> {
    try {
      return await source.migrate();
    } catch (error) {
      if (!(error instanceof MigrationFailed)) throw error;
      const { report } = error;
      const compare = verify && this.#touched && report.guestLocation === 'source';
      return compare ? await verifiedHere(guest, report) : report;
    }
  }
}

/** A guest that stayed is safe when its memory is as it must be: that is compared, too. */
async function verifiedHere(
  guest: WorkloadGuest,
  report: MigrationReport,
): Promise<MigrationReport> {
  await guest.pause();
  const verification = await guest.probe.verify();
  const guestVerified = verification.pagesDifferent === 0 && verification.failedReads === 0;
  return { ...report, guestVerified, verification };
}
