/** The source's half of a migration, for whoever owns the guest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Announcer } from '../announcer.js';
import { asPageferryError, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import { GUEST, guestCall, observeGuest } from '../guest/guest-call.js';
import type { SourceEvents } from '../metrics/events.js';
import type { MigrationReport, Outcome } from '../metrics/report.js';
import { openCapture } from '../native/capture.js';
import { endOfCapture, errorOf, giveUp, release, stopEverything } from './giving-up.js';
import { SourceMigration } from './migration.js';
import { beginMigration, endMigration } from './one-migration.js';
import { resolveOptions, type SourceOptions } from './options.js';
import type { Verdict } from './outcome.js';
import { runPhases } from './phases.js';
import { Progress, type SourceFigures } from './progress.js';

const PROGRESS_EVERY_MS = 100;

/** A migration that did not complete; `report` says how far it came and where the guest is. */
export class MigrationFailed extends PageferryError {
  readonly report: MigrationReport;

  constructor(error: PageferryError, report: MigrationReport) {
    super(error.code, error.message, {
      cause: error,
      ...(error.peer === undefined ? {} : { peer: error.peer }),
    });
    this.name = 'MigrationFailed';
    this.report = report;
  }
}

/** One migration of one guest. Make a new Source for another attempt. */
export class Source extends Announcer<SourceEvents> {
  readonly #m: SourceMigration;
  readonly #progress: Progress;
  #started = false;

  /**
   * Throws USAGE for a guest that is none, and for options that make no sense; UNSUPPORTED for a tracker that the guest
   * does not bear.
   */
  constructor(guest: Guest, options: SourceOptions) {
    super();
    if (!GUEST.accepts(guest)) {
      throw new PageferryError('USAGE', `the first argument must be ${GUEST.name}`);
    }
    this.#m = new SourceMigration(guest, resolveOptions(options, guest));
    this.#progress = new Progress(this.#m);
  }

  /**
   * Migrates the guest. On return the destination has it and needs nothing from here any more; here it is paused for
   * good. One that its owner had paused arrives paused, and stays so.
   *
   * Rejects with MigrationFailed: then `report.guestLocation` says where the guest is; with 'source' it is here as it
   * was before, running or paused. Rejects with USAGE, and does nothing, when this Source has migrated already, for a
   * guest that another migration has or that was given up by one, and where the capture cannot be written.
   */
  async migrate(): Promise<MigrationReport> {
    if (this.#started) throw new PageferryError('USAGE', 'this Source has migrated already');
    const { guest } = this.#m;
    beginMigration(guest);
    this.#beginCapture();
    this.#started = true;
    const progress = setInterval(() => this.#emitProgress(), PROGRESS_EVERY_MS);
    try {
      return await this.#run();
    } finally {
      clearInterval(progress);
      this.#m.watch.end();
      await release(this.#m);
      await endOfCapture(this.#m);
      // A guest of which we do not know that it is here is not ours to migrate.
      endMigration(guest, this.#m.isHere);
    }
  }

  #beginCapture(): void {
    const { guest, options } = this.#m;
    if (options.tee === null) return;
    try {
      this.#m.capture = openCapture(options.tee, 'source', options.teeReserveBytes);
    } catch (error) {
      endMigration(guest, true);
      throw error;
    }
  }

  async #run(): Promise<MigrationReport> {
    const m = this.#m;
    try {
      await this.#watchBefore();
      await this.#startWatch();
      await runPhases(m, {
        phase: (phase) => {
          this.#progress.enter(phase);
          this.tell('phase', phase);
        },
        sending: (pages, round) => this.#progress.sending(pages, round),
        round: (round, number) => this.tell('round', round, number),
      });
    } catch (error) {
      const first = m.failure ?? asPageferryError(error, 'the migration failed');
      const verdict = await giveUp(m, first);
      await this.#stop();
      throw this.#failed(verdict, first);
    }
    await this.#stop();
    return m.recorder.report('completed', 'destination', m.sent, null);
  }

  /** On return nothing of the migration goes on, and the last progress has told what the report will say. */
  async #stop(): Promise<void> {
    await stopEverything(this.#m);
    this.#emitProgress();
    this.#progress.end();
  }

  #failed(verdict: Verdict, first: PageferryError): MigrationFailed {
    const { recorder, sent } = this.#m;
    const { code, location } = verdict;
    const outcome: Outcome =
      location === 'destination' ? 'completed' : code === 'CANCELLED' ? 'cancelled' : 'failed';
    const error = errorOf(verdict, first);
    return new MigrationFailed(error, recorder.report(outcome, location, sent, error));
  }

  /**
   * Cancels the migration: migrate() rejects with CANCELLED, promptly, and the guest is here as it was before. False
   * when it is too late because the guest has been given up; the migration then goes on.
   */
  cancel(reason = 'cancelled by the user'): boolean {
    const m = this.#m;
    if (!m.isOurs) return false;
    m.tellPeer({ type: 'cancel', reason });
    m.fail(new PageferryError('CANCELLED', reason));
    return true;
  }

  async #startWatch(): Promise<void> {
    const { guest, options, recorder, signal, watch } = this.#m;
    const call = async () => guest.probe?.startGapWatch();
    await guestCall('be watched', call, { deadlineMs: options.switchoverMs, signal });
    recorder.start(observeGuest(guest)?.operations ?? 0);
    watch.begin();
  }

  async #watchBefore(): Promise<void> {
    const { guest, options, recorder, signal } = this.#m;
    if (guest.probe === undefined || options.observeMs === 0) return;
    const before = observeGuest(guest)?.operations ?? 0;
    const started = performance.now();
    await sleep(options.observeMs, undefined, { signal });
    const operations = (observeGuest(guest)?.operations ?? 0) - before;
    recorder.throughputBefore((operations / (performance.now() - started)) * 1000);
  }

  /** How far it is, to be looked at whenever one likes: cheap, and without effect on the progress events. */
  progress(): SourceFigures {
    return this.#progress.figures;
  }

  #emitProgress(): void {
    this.tell('progress', this.#progress.next());
  }
}
