/** The demo: two processes, and one migration after another between them. */
import { PageferryError } from '../../errors.js';
import type { MigrationReport, SourceOptions, StrategyName, WorkloadOptions } from '../../index.js';
import type { SourceMetrics } from '../../metrics/prometheus.js';
import type { MigrationView } from '../view/view.js';
import { DemoProcess } from './child-process.js';
import type { FromDestination, FromSource, ToDestination, ToSource } from './messages.js';

export interface DemoPlan {
  readonly guest: WorkloadOptions;
  readonly engine: Omit<SourceOptions, 'host' | 'port' | 'strategy'>;
}

/** Where the demo's two halves are. */
export interface DemoPlaces {
  readonly host: string;
  readonly port: number;
  readonly sourcePid: number | undefined;
  readonly destinationPid: number | undefined;
}

export class DemoRun {
  readonly #plan: DemoPlan;
  readonly #source = new DemoProcess<ToSource, FromSource>('source', './source-process.js');
  readonly #destination = new DemoProcess<ToDestination, FromDestination>(
    'destination',
    './destination-process.js',
  );
  #address: { host: string; port: number } | undefined;
  #cancelled = false;

  constructor(plan: DemoPlan) {
    this.#plan = plan;
  }

  /** On return the destination listens. */
  async start(): Promise<DemoPlaces> {
    const listening = this.#destination.next((message) =>
      message.type === 'listening' ? message : undefined,
    );
    const { guest, engine } = this.#plan;
    this.#destination.send({
      type: 'listen',
      stallMs: engine.stallMs ?? 30_000,
      images: guest.fill?.kind === 'image' ? [guest.fill.path] : [],
    });
    const { host, port } = await listening;
    this.#address = { host, port };
    return { host, port, sourcePid: this.#source.pid, destinationPid: this.#destination.pid };
  }

  /** Ends the migration under way, cleanly; no other is begun. */
  cancel(): void {
    this.#cancelled = true;
    this.#source.send({ type: 'cancel' });
  }

  /** Follows the migrations with a view and metrics. */
  watch(view: MigrationView, metrics: SourceMetrics | undefined): void {
    this.#source.onMessage((message) => {
      switch (message.type) {
        case 'phase':
          view.phase(message.phase);
          break;
        case 'filled':
          view.note(`Filled with ${message.summary}.`);
          break;
        case 'round':
          view.round(message.round, message.number);
          metrics?.round(message.round);
          break;
        case 'progress':
          view.progress(message.progress);
          metrics?.progress(message.progress);
          break;
        case 'ended':
          view.ended(message.report);
          metrics?.migrationEnded(message.report);
          break;
        case 'too-late':
          view.note('too late to cancel: the guest has been given up. Ending after this migration');
          break;
        default:
          break;
      }
    });
  }

  /** Migrates a new guest. Rejects when there is no report to be had: a process died, or never migrated. */
  async migrate(strategy: StrategyName): Promise<MigrationReport> {
    if (this.#address === undefined) throw new Error('the demo has not started');
    const ended = this.#source.next((message) =>
      message.type === 'ended' ? message.report : undefined,
    );
    const over = this.#destination.next((message) => (message.type === 'over' ? true : undefined));
    over.catch(() => {});
    this.#source.send({
      type: 'migrate',
      guest: this.#plan.guest,
      options: { ...this.#plan.engine, ...this.#address, strategy },
    });
    try {
      const report = await ended;
      // The next guest may need the memory of this one.
      if (report.outcome === 'completed') await over.catch(() => {});
      return report;
    } catch (error) {
      const { ended } = this.#source;
      throw ended?.code === 'PEER_GONE' ? this.#sourceDied(ended) : error;
    }
  }

  /** Throws when there is no point in another migration. */
  throwIfEnded(): void {
    if (this.#cancelled) {
      throw new PageferryError('CANCELLED', 'cancelled before the next migration began');
    }
    if (this.#destination.ended !== undefined) throw this.#destination.ended;
  }

  /** The guest was in it. */
  get sourceDied(): boolean {
    return this.#source.ended?.code === 'PEER_GONE';
  }

  /** On return both processes are gone. */
  async end(): Promise<void> {
    await Promise.all([this.#source.end(), this.#destination.end()]);
  }

  /** At once, whatever they are doing. */
  kill(): void {
    this.#source.kill();
    this.#destination.kill();
  }

  #sourceDied(ended: PageferryError): PageferryError {
    return new PageferryError(
      'PEER_GONE',
      `${ended.message}. The guest ran in it and is lost; run the demo again, with less --memory if the host is short of it`,
      { cause: ended },
    );
  }
}
