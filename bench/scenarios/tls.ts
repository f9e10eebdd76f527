// What TLS costs: bulk beside a bare TLS connection, and a demand fault beside the same without TLS.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurn } from '../lib/in-turn.js';
import { recordOf } from '../lib/migration-record.js';
import { runNative } from '../lib/native.js';
import { migrateOnce, type WantedMigration, type WorkloadMigration } from '../lib/pair.js';
import type { SampleContext, Scenario } from '../lib/scenario.js';
import { DEMAND_FAULTS } from './demand-fault.js';

const MEMORY_BYTES = 2 ** 30;

/** One page channel, as the bare stream has one connection. */
const IDLE: WorkloadMigration = {
  guest: {
    kind: 'workload',
    options: { workload: 'idle', memoryBytes: MEMORY_BYTES, fill: { kind: 'random' } },
  },
  source: { strategy: 'pre-copy', channels: 1 },
  destination: { prepare: true },
};

/** With a key that both sides have, for as long as `measure` runs. */
async function secured<T>(
  wanted: WantedMigration,
  measure: (secured: WantedMigration) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-bench-tls-'));
  try {
    const preSharedKey = join(folder, 'key');
    writeFileSync(preSharedKey, `bench:${'c3'.repeat(32)}\n`, { mode: 0o600 });
    const tls = { preSharedKey };
    return await measure({
      ...wanted,
      source: { ...wanted.source, tls },
      destination: { ...wanted.destination, tls },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bulk(context: SampleContext) {
  const run = await secured(IDLE, (wanted) => migrateOnce(wanted, context));
  const [round] = run.report.rounds;
  if (round === undefined) throw new Error('there was no round');
  return { rate: MEMORY_BYTES / round.ms / 1e6, run };
}

async function bareRate(signal: AbortSignal): Promise<number> {
  const { bytes, seconds } = await runNative('tls-stream', ['--bytes', MEMORY_BYTES], { signal });
  return bytes / seconds / 1e9;
}

export const tlsBulkScenario: Scenario = {
  name: 'tls-bulk',
  neededBytes: 2 * MEMORY_BYTES,
  sampleSeconds: 6,
  warmUp: false,
  skip: async () =>
    existsSync('/usr/include/openssl/ssl.h')
      ? null
      : 'the bare TLS stream needs OpenSSL’s headers: apt-get install libssl-dev',
  how: 'Pre-copy of an idle guest over one page channel with TLS 1.3, a pre-shared key, into memory that was populated before. The rate is that of round 0. Beside it a program of its own moves as many random bytes by SSL_write and SSL_read of 1 MiB over one connection, with the same cipher (TLS_AES_128_GCM_SHA256), by the distribution’s OpenSSL. Each has one thread a side.',
  rows: [
    {
      key: 'tls-bulk',
      title: 'Round 0 of 1 GiB of random pages over TLS, one channel',
      unit: 'GB/s',
      better: 'higher',
      baseline: 'a bare TLS connection, same cipher',
      target: { figure: 'ratio', atLeast: 0.9 },
    },
  ],
  async sample(context) {
    const got = await inTurn(context, {
      bare: async () => bareRate(context.signal),
      ours: async () => bulk(context),
    });
    return {
      rows: { 'tls-bulk': { measured: got.ours.rate, baseline: got.bare } },
      migrations: [recordOf('idle 1 GiB, random, TLS', IDLE, got.ours.run)],
    };
  },
};

/** p50 in µs, of reads one after the other. */
async function demandFaultUs(context: SampleContext, wanted: WantedMigration): Promise<number> {
  const { destination } = await migrateOnce(wanted, context);
  if (destination.touches === null) throw new Error('the guest has not timed its reads');
  return destination.touches.backToBack.p50Us;
}

export const tlsDemandFaultScenario: Scenario = {
  name: 'tls-demand-fault',
  neededBytes: 2 * DEMAND_FAULTS.guest.memoryBytes,
  sampleSeconds: 5,
  warmUp: false,
  how: 'The guest of the scenario demand-fault, over TLS 1.3 and without, in turn: the median of its reads of missing pages, one after the other.',
  rows: [
    {
      key: 'tls-demand-fault',
      title: 'Demand fault over TLS as the guest feels it, p50, one after the other',
      unit: 'µs',
      better: 'lower',
      baseline: 'the same without TLS',
      target: { figure: 'ratio', atMost: 1.3 },
    },
  ],
  async sample(context) {
    const got = await inTurn(context, {
      plain: async () => demandFaultUs(context, DEMAND_FAULTS),
      ours: async () => secured(DEMAND_FAULTS, (wanted) => demandFaultUs(context, wanted)),
    });
    return { rows: { 'tls-demand-fault': { measured: got.ours, baseline: got.plain } } };
  },
};
