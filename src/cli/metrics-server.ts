/** `--metrics` for every command that has it. */
import type { Registry } from 'prom-client';
import { MetricsServer } from '../metrics/prometheus.js';
import { formatAddress, type TcpAddress } from '../units.js';
import type { Output } from './output.js';

/** Serves them and says where; does nothing without an address. Throws PORT_IN_USE and the like. */
export async function serveMetrics(
  output: Output,
  { registry }: { readonly registry: Registry },
  address: TcpAddress | undefined,
): Promise<MetricsServer | undefined> {
  if (address === undefined) return undefined;
  const server = await MetricsServer.listen(registry, address);
  output.line(
    `metrics at http://${formatAddress({ host: address.host, port: server.port })}/metrics`,
  );
  return server;
}
