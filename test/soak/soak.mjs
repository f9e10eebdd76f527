// Many migrations in a row between two processes, each drawn from a seed, every page of each verified.
//
//   node test/soak/soak.mjs [--migrations 200] [--seed N] [--only SEED]
//
// Stops at the first that is not verified, says how to run it again, and exits with 1.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Destination, probe, Source, TRACKER_KINDS, WorkloadGuest } from 'pageferry';
import { describeMigration, drawMigration, migrationSeed } from './draw.mjs';

const SELF = fileURLToPath(import.meta.url);
/** Longer than any of these migrations may take on the slowest machine. */
const MOST_MS = 120_000;

/** The destination's process: stays up for the whole run and lets go of each guest that has arrived. */
async function serve() {
  const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive });
  destination.on('arrived', (guest) => guest.discard?.());
  destination.on('dropped', (error) =>
    console.log(`destination dropped a guest: ${error.message}`),
  );
  destination.on('lost', (error) => console.log(`destination lost a guest: ${error.message}`));
  process.on('disconnect', () => process.exit(0));
  process.send({ port: destination.port });
}

function availableTrackers() {
  const { capabilities } = probe();
  return TRACKER_KINDS.filter((kind) =>
    capabilities.some(({ name, available }) => name === kind && available),
  );
}

/** Throws unless every page has arrived as it must be. */
async function migrateOnce(drawn, port) {
  const guest = await WorkloadGuest.create(drawn.guest);
  try {
    await guest.resume();
    const options = { host: '127.0.0.1', port, verify: true, ...drawn.migration };
    const source = new Source(guest, options);
    const timer = setTimeout(() => {
      console.error(`not over after ${MOST_MS / 1000} s`);
      process.exit(1);
    }, MOST_MS);
    const report = await source.migrate().finally(() => clearTimeout(timer));
    if (report.guestVerified !== true) {
      throw new Error(`not verified: ${JSON.stringify(report.verification)}`);
    }
    return report;
  } finally {
    guest.discard();
  }
}

async function run({ seeds, port, pid }) {
  const trackers = availableTrackers();
  const seen = new Map();
  const started = performance.now();
  let [pages, wireBytes] = [0, 0];
  for (const [index, seed] of seeds.entries()) {
    const drawn = drawMigration(seed, { trackers, pid });
    const place = `${String(index + 1).padStart(String(seeds.length).length)}/${seeds.length}`;
    try {
      const report = await migrateOnce(drawn, port);
      const figures = `${Math.round(report.totalMs)} ms, ${report.demandFaults} faults`;
      console.log(`${place} verified | ${describeMigration(drawn)} | ${figures}`);
      pages += report.pagesSent;
      wireBytes += report.wireBytes;
    } catch (error) {
      console.log(`${place} FAILED   | ${describeMigration(drawn)}`);
      console.error(error);
      console.error(JSON.stringify(drawn));
      console.error(`again: node test/soak/soak.mjs --only ${seed}`);
      return 1;
    }
    const { strategy } = drawn.migration;
    seen.set(strategy, (seen.get(strategy) ?? 0) + 1);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counts = [...seen].map(([strategy, count]) => `${count} ${strategy}`).join(', ');
  console.log(
    `${seeds.length} migrations verified in ${seconds} s (${counts}): ${pages} pages, ${wireBytes} bytes`,
  );
  return 0;
}

async function main() {
  const { values } = parseArgs({
    options: {
      migrations: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() >>> 0) },
      only: { type: 'string' },
    },
  });
  const [count, runSeed] = [Number(values.migrations), Number(values.seed)];
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(runSeed)) {
    console.error('usage: soak.mjs [--migrations N] [--seed N] [--only SEED]');
    return 2;
  }
  const seeds =
    values.only === undefined
      ? Array.from({ length: count }, (_, index) => migrationSeed(runSeed, index))
      : [Number(values.only)];
  if (values.only === undefined) console.log(`${count} migrations, seed ${runSeed}`);
  const destination = fork(SELF, [], { env: { ...process.env, PAGEFERRY_SOAK: 'destination' } });
  const gone = once(destination, 'exit').then(() => {
    throw new Error('the destination is gone');
  });
  const serving = once(destination, 'message');
  const [{ port }] = await Promise.race([serving, gone]);
  try {
    return await Promise.race([run({ seeds, port, pid: destination.pid }), gone]);
  } finally {
    destination.disconnect();
  }
}

if (process.env.PAGEFERRY_SOAK === 'destination') await serve();
else process.exit(await main());
