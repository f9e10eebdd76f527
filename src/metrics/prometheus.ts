/**
 * The figures of both halves for Prometheus. Each half feeds its events to its metrics object;
 * docs/metrics.md lists every metric. Times are in seconds, as Prometheus wants them.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { nativeCode, PageferryError } from '../errors.js';
import { formatAddress, type TcpAddress } from '../units.js';
import type { SourceProgress } from './events.js';
import type { MigrationReport, RoundReport } from './report.js';

const SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 50, 100, 500];
const QUANTILES = [
  ['0.5', 'p50'],
  ['0.99', 'p99'],
  ['0.999', 'p999'],
  ['1', 'max'],
] as const;

/** Makes metrics in one registry, all named `pageferry_…`. */
function maker(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
      new Counter({ name: `pageferry_${name}`, help, labelNames, registers }),
    gauge: <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
      new Gauge({ name: `pageferry_${name}`, help, labelNames, registers }),
    histogram: <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
      new Histogram({
        name: `pageferry_${name}`,
        help,
        labelNames,
        registers,
        buckets: SECONDS_BUCKETS,
      }),
  };
}

/** What a source tells: one migration at a time, one after the other. */
export class SourceMetrics {
  readonly registry = new Registry();
  readonly #make = maker(this.registry);
  readonly #migrations = this.#make.counter('source_migrations_total', 'Migrations that ended', [
    'strategy',
    'outcome',
  ]);
  readonly #verified = this.#make.counter('source_verifications_total', 'Guests compared', [
    'result',
  ]);
  readonly #underWay = this.#make.gauge('source_migrations_under_way', 'Migrations under way');
  readonly #pages = this.#make.counter(
    'source_pages_sent_total',
    'Pages sent, demand pages included',
  );
  readonly #wireBytes = this.#make.counter('source_wire_bytes_total', 'Bytes at the sockets');
  readonly #rounds = this.#make.counter('source_rounds_total', 'Pre-copy rounds');
  readonly #served = this.#make.counter('source_demand_pages_total', 'Demand pages served');
  readonly #byContent = this.#make.counter(
    'source_pages_by_content_total',
    'Pages of ended migrations',
    ['content'],
  );
  readonly #dirtyRate = this.#make.gauge(
    'source_dirty_pages_per_second',
    'Distinct pages that the guest wrote per second of the last round',
  );
  readonly #downtime = this.#make.histogram('source_downtime_seconds', 'Downtime', ['strategy']);
  readonly #total = this.#make.histogram('source_total_seconds', 'Total migration time', [
    'strategy',
  ]);
  readonly #gap = this.#make.histogram('source_longest_gap_seconds', 'Longest gap the guest felt', [
    'strategy',
  ]);
  readonly #lost = this.#make.histogram('source_lost_seconds', "The guest's time that was lost", [
    'strategy',
  ]);
  readonly #faults = this.#make.counter('source_demand_faults_total', 'Demand faults', [
    'over_network',
  ]);
  readonly #latency = this.#make.gauge(
    'source_fault_latency_seconds',
    'Fault latency of the last migration that had demand faults',
    ['quantile'],
  );
  #seen = { pages: 0, wireBytes: 0, served: 0 };

  migrationStarted(): void {
    this.#underWay.set(1);
    this.#seen = { pages: 0, wireBytes: 0, served: 0 };
  }

  progress(progress: SourceProgress): void {
    const seen = this.#seen;
    this.#pages.inc(Math.max(0, progress.pagesSent - seen.pages));
    this.#wireBytes.inc(Math.max(0, progress.wireBytes - seen.wireBytes));
    this.#served.inc(Math.max(0, progress.pagesServed - seen.served));
    this.#dirtyRate.set(progress.dirtyPagesPerSecond);
    this.#seen = {
      pages: progress.pagesSent,
      wireBytes: progress.wireBytes,
      served: progress.pagesServed,
    };
  }

  round(_round: RoundReport): void {
    this.#rounds.inc();
  }

  migrationEnded(report: MigrationReport): void {
    const { strategy, outcome } = report;
    this.#underWay.set(0);
    this.#migrations.inc({ strategy, outcome });
    // The last bytes were sent after the last progress.
    this.#wireBytes.inc(Math.max(0, report.wireBytes - this.#seen.wireBytes));
    for (const [content, pages] of Object.entries(report.pagesByContent)) {
      this.#byContent.inc({ content }, pages);
    }
    if (report.guestVerified !== null) {
      this.#verified.inc({ result: report.guestVerified ? 'equal' : 'different' });
    }
    this.#total.observe({ strategy }, report.totalMs / 1000);
    if (report.downtimeMs !== null) this.#downtime.observe({ strategy }, report.downtimeMs / 1000);
    const gapMs = report.guest?.longestGapMs ?? null;
    if (gapMs !== null) this.#gap.observe({ strategy }, gapMs / 1000);
    const lostMs = report.guest?.lostMs ?? null;
    // A guest that did more than expected lost nothing, and a histogram's sum must not fall.
    if (lostMs !== null) this.#lost.observe({ strategy }, Math.max(0, lostMs) / 1000);
    this.#faultFigures(report);
  }

  #faultFigures(report: MigrationReport): void {
    const overNetwork = report.demandFaultsOverNetwork;
    this.#faults.inc({ over_network: 'yes' }, overNetwork);
    this.#faults.inc({ over_network: 'no' }, report.demandFaults - overNetwork);
    if (overNetwork === 0) return;
    for (const [quantile, key] of QUANTILES) {
      this.#latency.set({ quantile }, report.faultLatencyUs[key] / 1e6);
    }
  }
}

/** What DestinationMetrics reads at each scrape. */
export interface DestinationFigures {
  /** Migrations under way. */
  readonly migrations: number;
  /** Since it listens. */
  progress(): { readonly pages: number; readonly wireBytes: number };
}

/** How a migration ended on the destination. */
export type DestinationOutcome = 'arrived' | 'dropped' | 'lost';

export class DestinationMetrics {
  readonly registry = new Registry();
  readonly #make = maker(this.registry);
  readonly #migrations = this.#make.counter(
    'destination_migrations_total',
    'Migrations that ended',
    ['outcome'],
  );
  readonly #strangers = this.#make.counter(
    'destination_strangers_total',
    'Connections turned away',
  );

  constructor(figures: DestinationFigures) {
    const registers = [this.registry];
    new Gauge({
      name: 'pageferry_destination_migrations_under_way',
      help: 'Migrations under way',
      registers,
      collect() {
        this.set(figures.migrations);
      },
    });
    const counter = (name: string, help: string, read: () => number): void => {
      new Counter({
        name: `pageferry_destination_${name}`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    };
    counter('pages_received_total', 'Pages received', () => figures.progress().pages);
    counter('wire_bytes_total', 'Bytes at the sockets', () => figures.progress().wireBytes);
  }

  migrationEnded(outcome: DestinationOutcome): void {
    this.#migrations.inc({ outcome });
  }

  strangersTurnedAway(count: number): void {
    this.#strangers.inc(count);
  }
}

/** `GET /metrics` for one registry. */
export class MetricsServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Throws PORT_IN_USE, or USAGE for an address that this host does not have. */
  static async listen(registry: Registry, address: TcpAddress): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      // Whoever scrapes may add a query; it changes nothing.
      if (request.url?.split('?', 1)[0] !== '/metrics') {
        response.writeHead(404).end('the metrics are at /metrics\n');
        return;
      }
      void registry.metrics().then((text) => {
        response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(explainListen(error, formatAddress(address))));
      server.listen(address.port, address.host, resolve);
    });
    return new MetricsServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function explainListen(error: Error, address: string): PageferryError {
  const what = `cannot serve metrics on ${address}`;
  if (nativeCode(error) === 'EADDRINUSE') {
    return new PageferryError(
      'PORT_IN_USE',
      `${what}: another program listens there. Choose another port`,
      {
        cause: error,
      },
    );
  }
  return new PageferryError('USAGE', `${what}: ${error.message}. Check the address`, {
    cause: error,
  });
}
