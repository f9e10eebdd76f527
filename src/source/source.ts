/** The source's half of a migration, for whoever owns the guest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Announcer } from '../announcer.js';
import { asPageferryError, type ErrorCode, PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';
import type { SourceEvents, SourcePhase } from '../metrics/events.js';
import type { GuestLocation, MigrationReport, Outcome, RoundReport } from '../metrics/report.js';
import { peerError } from '../protocol/channel.js';
import { SourceMigration } from './migration.js';
import { resolveOptions, type SourceOptions } from './options.js';
import { runPhases } from './phases.js';

const PROGRESS_EVERY_MS = 100;
/** A page channel may break before the message that says why has come. */
const LAST_WORDS_MS = 1000;

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

/** How far a migration is. */
export interface SourceFigures {
  readonly phase: SourcePhase;
  readonly pagesSent: number;
  /** Counted at the page and fault sockets. */
  readonly wireBytes: number;
}

/** One migration of one guest. Make a new Source for another attempt. */
export class Source extends Announcer<SourceEvents> {
  readonly #m: SourceMigration;
  #phase: SourcePhase = 'negotiate';
  #round = 0;
  #pagesToSend = 0;
  #started = false;
  /** Of a migration that is over. */
  #final: SourceFigures | undefined;

  /** Throws USAGE for options that make no sense, UNSUPPORTED for a tracker that the guest does not bear. */
  constructor(guest: Guest, options: SourceOptions) {
    super();
    this.#m = new SourceMigration(guest, resolveOptions(options, guest));
  }

  /**
   * Migrates the guest, which is running. On return it runs on the destination, which needs nothing from
   * here any more, and is paused here for good. Rejects with MigrationFailed: then `report.guestLocation`
   * says where the guest is; with 'source' it runs here as before.
   */
  async migrate(): Promise<MigrationReport> {
    if (this.#started) throw new PageferryError('USAGE', 'this Source has migrated already');
    this.#started = true;
    const m = this.#m;
    await this.#watchBefore();
    m.guest.probe?.startGapWatch();
    m.recorder.start(m.guest.probe?.observe().operations ?? 0);
    const progress = setInterval(() => this.#emitProgress(), PROGRESS_EVERY_MS);
    try {
      if (m.failure !== undefined) throw m.failure;
      await runPhases(m, {
        phase: (phase) => {
          this.#phase = phase;
          this.tell('phase', phase);
        },
        sending: (pages, round) => {
          this.#pagesToSend = pages;
          this.#round = round;
        },
        round: (round: RoundReport, number: number) => this.tell('round', round, number),
      });
      this.#emitProgress();
      return m.recorder.report('completed', 'destination', m.wireBytes, null);
    } catch (error) {
      throw await this.#giveUp(await this.#reason(error));
    } finally {
      clearInterval(progress);
      await this.#release();
    }
  }

  /**
   * Cancels the migration: migrate() rejects with CANCELLED and the guest runs here. False when it is too
   * late because the guest has been given up; the migration then goes on.
   */
  cancel(reason = 'cancelled by the user'): boolean {
    const m = this.#m;
    if (m.custody !== 'running-here' && m.custody !== 'paused-here') return false;
    m.channel?.send({ type: 'cancel', reason });
    m.fail(new PageferryError('CANCELLED', reason));
    return true;
  }

  async #watchBefore(): Promise<void> {
    const { guest, options, recorder } = this.#m;
    if (guest.probe === undefined || options.observeMs === 0) return;
    const before = guest.probe.observe().operations;
    const started = performance.now();
    await sleep(options.observeMs);
    const operations = guest.probe.observe().operations - before;
    recorder.throughputBefore((operations / (performance.now() - started)) * 1000);
  }

  /** The first thing that went wrong; when the peer hung up, what it says about why. */
  async #reason(error: unknown): Promise<PageferryError> {
    const { failure, channel } = this.#m;
    const first = failure ?? asPageferryError(error, 'the migration failed');
    if (first.code !== 'PEER_GONE' || channel === undefined) return first;
    const deadline = sleep(LAST_WORDS_MS, undefined, { ref: false });
    const said = await Promise.race([channel.receive().catch(() => undefined), deadline]);
    return said?.type === 'failed' ? peerError(channel.peer, said.code, said.message) : first;
  }

  /** On return the guest runs here again, unless it was given up. Answers what migrate() rejects with. */
  async #giveUp(error: PageferryError): Promise<MigrationFailed> {
    const m = this.#m;
    m.channel?.send({ type: 'failed', code: error.code, message: error.message });
    m.fail(error);
    await m.tracker?.disarm();
    const { code, location, message } = await this.#settleCustody(error);
    if (location === 'source') {
      const seen = m.guest.probe?.observe();
      if (seen !== undefined) m.recorder.observedOnSource(seen.longestGapMs);
    }
    const outcome: Outcome =
      location === 'destination' ? 'completed' : code === 'CANCELLED' ? 'cancelled' : 'failed';
    const reported = new PageferryError(code, message, {
      cause: error,
      ...(error.peer === undefined ? {} : { peer: error.peer }),
    });
    return new MigrationFailed(
      reported,
      m.recorder.report(outcome, location, m.wireBytes, reported),
    );
  }

  async #resumeHere(
    error: PageferryError,
  ): Promise<{ code: ErrorCode; location: GuestLocation; message: string }> {
    try {
      await this.#m.guest.resume();
      return { code: error.code, location: 'source', message: error.message };
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      return {
        code: 'GUEST_FAILED',
        location: 'source',
        message: `the guest failed to resume (${reason}) after the migration had failed (${error.message}). It is still here, and paused`,
      };
    }
  }

  async #settleCustody(
    error: PageferryError,
  ): Promise<{ code: ErrorCode; location: GuestLocation; message: string }> {
    const m = this.#m;
    switch (m.custody) {
      case 'running-here':
        return { code: error.code, location: 'source', message: error.message };
      case 'paused-here':
        return await this.#resumeHere(error);
      case 'given-up':
        return {
          code: 'SWITCHOVER_UNCONFIRMED',
          location: 'unknown',
          message: `lost contact right after the guest was given up (${error.message}). Look at the destination: if it runs the guest, all is well; it is paused here and must not be resumed before you know`,
        };
      case 'running-there':
        return m.allSent && !m.peerGaveUp
          ? {
              code: 'DESTINATION_LOST',
              location: 'unknown',
              message: `lost contact after every page was sent (${error.message}). Look at the destination: the guest runs there if its process lives`,
            }
          : {
              code: 'POSTCOPY_LOST',
              location: 'lost',
              message: `lost contact before every page had arrived (${error.message}). The guest ran on the destination and cannot go on without the missing pages`,
            };
      case 'arrived':
        return { code: error.code, location: 'destination', message: error.message };
      default:
        throw new Error(`no such custody: ${String(m.custody satisfies never)}`);
    }
  }

  /** Ends what is still connected and lets go of everything that holds on to the guest's memory. */
  async #release(): Promise<void> {
    const m = this.#m;
    this.#final = this.progress();
    m.channel?.close();
    m.sender?.cancel();
    m.faultConnection?.close();
    m.server?.close();
    await m.tracker?.disarm();
    for (const held of [m.sender, m.server, m.tracker]) held?.release();
  }

  /** How far it is, to be looked at whenever one likes: cheap, and without effect on the progress events. */
  progress(): SourceFigures {
    if (this.#final !== undefined) return this.#final;
    const { sender, server, wireBytes } = this.#m;
    const pagesSent = (sender?.progress().pages ?? 0) + (server?.stats().pages ?? 0);
    return { phase: this.#phase, pagesSent, wireBytes };
  }

  #lastProgress = { at: performance.now(), wireBytes: 0 };

  #emitProgress(): void {
    const { sender, server, recorder } = this.#m;
    const sent = sender?.progress() ?? { pages: 0, wireBytes: 0 };
    const at = performance.now();
    const seconds = (at - this.#lastProgress.at) / 1000;
    const rate = seconds > 0 ? (sent.wireBytes - this.#lastProgress.wireBytes) / seconds : 0;
    this.#lastProgress = { at, wireBytes: sent.wireBytes };
    const last = recorder.rounds.at(-1);
    this.tell('progress', {
      phase: this.#phase,
      elapsedMs: recorder.elapsedMs,
      round: this.#round,
      pagesSent: sent.pages,
      wireBytes: sent.wireBytes,
      rateBytesPerSecond: Math.max(0, rate),
      dirtyPagesPerSecond: last === undefined ? 0 : (last.dirtyPages / last.ms) * 1000,
      pagesToSend: this.#pagesToSend,
      pagesServed: server?.stats().pages ?? 0,
    });
  }
}
