/** `--metrics` for every command that has it. Whoever does not ask for it does not wait for prom-client to load. */
import type {
  DestinationFigures,
  DestinationMetrics,
  MetricsServer,
  SourceMetrics,
} from '../metrics/prometheus.js';
import { formatAddress, type TcpAddress } from '../units.js';
import type { Output } from './output.js';

export class WantedMetrics {
  readonly #prometheus: typeof import('../metrics/prometheus.js');
  readonly #address: TcpAddress;

  private constructor(prometheus: typeof import('../metrics/prometheus.js'), address: TcpAddress) {
    this.#prometheus = prometheus;
    this.#address = address;
  }

  /** Undefined without an address. */
  static async at(address: TcpAddress | undefined): Promise<WantedMetrics | undefined> {
    if (address === undefined) return undefined;
    return new WantedMetrics(await import('../metrics/prometheus.js'), address);
  }

  ofSource(): SourceMetrics {
    return new this.#prometheus.SourceMetrics();
  }

  ofDestination(figures: DestinationFigures): DestinationMetrics {
    return new this.#prometheus.DestinationMetrics(figures);
  }

  /** Serves them and says where. Throws PORT_IN_USE and the like. */
  async serve(output: Output, metrics: SourceMetrics | DestinationMetrics): Promise<MetricsServer> {
    const server = await this.#prometheus.MetricsServer.listen(metrics.registry, this.#address);
    const { host } = this.#address;
    output.line(`metrics at http://${formatAddress({ host, port: server.port })}/metrics`);
    return server;
  }
}
