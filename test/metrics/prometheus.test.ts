import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { DestinationMetrics, MetricsServer, SourceMetrics } from '../../src/metrics/prometheus.js';
import { sampleReport } from './sample-report.js';

const PROGRESS = {
  phase: 'copy-rounds',
  elapsedMs: 100,
  round: 0,
  pagesSent: 10,
  wireBytes: 41_000,
  rateBytesPerSecond: 410_000,
  dirtyPagesPerSecond: 500,
  pagesToSend: 100,
  pagesServed: 2,
} as const;

let server: MetricsServer | undefined;

afterEach(() => server?.close());

describe('SourceMetrics', () => {
  it('adds up the progress of several migrations', async () => {
    const metrics = new SourceMetrics();
    for (let migration = 0; migration < 2; migration += 1) {
      metrics.migrationStarted();
      metrics.progress(PROGRESS);
      metrics.progress({ ...PROGRESS, pagesSent: 25, wireBytes: 100_000 });
      metrics.migrationEnded(sampleReport({ wireBytes: 110_000 }));
    }
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/^pageferry_source_pages_sent_total 50$/m);
    expect(text).toMatch(/^pageferry_source_wire_bytes_total 220000$/m);
    expect(text).toMatch(/^pageferry_source_demand_pages_total 4$/m);
    expect(text).toMatch(/^pageferry_source_migrations_under_way 0$/m);
    expect(text).toContain(
      'pageferry_source_migrations_total{strategy="hybrid",outcome="completed"} 2',
    );
    expect(text).toContain('pageferry_source_pages_by_content_total{content="lz4"} 30000');
  });

  it('puts times in seconds', async () => {
    const metrics = new SourceMetrics();
    metrics.migrationEnded(sampleReport());
    const text = await metrics.registry.metrics();
    expect(text).toContain('pageferry_source_downtime_seconds_sum{strategy="hybrid"} 0.0125');
    expect(text).toContain('pageferry_source_longest_gap_seconds_sum{strategy="hybrid"} 0.0175');
    expect(text).toContain('pageferry_source_lost_seconds_sum{strategy="hybrid"} 0.61');
    expect(text).toContain('pageferry_source_fault_latency_seconds{quantile="0.99"} 0.00025');
    expect(text).toContain('pageferry_source_demand_faults_total{over_network="no"} 20');
  });

  it('counts a guest that did more than expected as one that lost nothing', async () => {
    const metrics = new SourceMetrics();
    const { guest } = sampleReport();
    for (const lostMs of [500, -200]) {
      metrics.migrationEnded(sampleReport({ guest: guest && { ...guest, lostMs } }));
    }
    const text = await metrics.registry.metrics();
    expect(text).toContain('pageferry_source_lost_seconds_sum{strategy="hybrid"} 0.5');
    expect(text).toContain('pageferry_source_lost_seconds_count{strategy="hybrid"} 2');
  });

  it('leaves out what a failed migration never had', async () => {
    const metrics = new SourceMetrics();
    metrics.migrationEnded(
      sampleReport({ outcome: 'failed', downtimeMs: null, guestVerified: null, guest: null }),
    );
    const text = await metrics.registry.metrics();
    expect(text).not.toContain('pageferry_source_downtime_seconds_sum{');
    expect(text).not.toContain('pageferry_source_verifications_total{');
  });
});

describe('DestinationMetrics', () => {
  it('reads the figures at each scrape', async () => {
    let pages = 10;
    const figures = { migrations: 3, progress: () => ({ pages, wireBytes: pages * 4096 }) };
    const metrics = new DestinationMetrics(figures);
    metrics.migrationEnded('arrived');
    metrics.strangersTurnedAway(1);
    expect(await metrics.registry.metrics()).toContain(
      'pageferry_destination_pages_received_total 10',
    );
    pages = 30;
    const text = await metrics.registry.metrics();
    expect(text).toContain('pageferry_destination_pages_received_total 30');
    expect(text).toContain('pageferry_destination_wire_bytes_total 122880');
    expect(text).toContain('pageferry_destination_migrations_under_way 3');
    expect(text).toContain('pageferry_destination_migrations_total{outcome="arrived"} 1');
    expect(text).toContain('pageferry_destination_strangers_total 1');
  });
});

describe('MetricsServer', () => {
  it('answers a scrape that carries a query', async () => {
    const { registry } = new SourceMetrics();
    server = await MetricsServer.listen(registry, { host: '127.0.0.1', port: 0 });
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics?x=1`);
    expect(answer.status).toBe(200);
  });

  it('serves /metrics and nothing else', async () => {
    const { registry } = new SourceMetrics();
    server = await MetricsServer.listen(registry, { host: '127.0.0.1', port: 0 });
    const found = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(found.headers.get('content-type')).toContain('text/plain');
    expect(await found.text()).toContain('# HELP pageferry_source_rounds_total');
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
  });

  it('says that its port is taken', async () => {
    const { registry } = new SourceMetrics();
    server = await MetricsServer.listen(registry, { host: '127.0.0.1', port: 0 });
    const again = MetricsServer.listen(registry, { host: '127.0.0.1', port: server.port });
    await expect(again).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });
});

it('docs/metrics.md lists exactly the metrics there are, with their kinds', async () => {
  const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const listed = [...document.matchAll(/^\| `(pageferry_\w+)` \| (\w+) \|/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  const figures = { migrations: 0, progress: () => ({ pages: 0, wireBytes: 0 }) };
  const registries = [new SourceMetrics().registry, new DestinationMetrics(figures).registry];
  const text = (await Promise.all(registries.map((registry) => registry.metrics()))).join('\n');
  const present = [...text.matchAll(/^# TYPE (\w+ \w+)$/gm)].map(([, found]) => found);
  expect(listed.sort()).toEqual(present.sort());
});
