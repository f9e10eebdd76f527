// Guests go back and forth between two processes, each journey drawn from a seed: a guest, and the options
// of every hop. A quarter of the hops is cancelled, at any phase. After each hop the guest is where the
// report says, there alone, and every page of it is compared. What its source sends and receives is captured, and checked
// against docs/protocol.md by code that shares nothing with the engine.
import { fork } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { probe, TRACKER_KINDS } from 'pageferry';
import { checkCapture } from '#engine/conformance/check-capture.js';
import { describeGuest, describeHop, drawJourney, journeySeed } from './draw.mjs';

const HELP = `usage: npm run soak -- [--migrations N] [--seed N] [--only SEED]

  --migrations N  how many migrations to make, in journeys of up to 12 (default 200)
  --seed N        what everything is drawn from; the same seed draws the same run (default: the time)
  --only SEED     only the journey with this seed, whole

Stops at the first migration after which something is not as it must be, says how to make that journey
again, and exits with 1. Exits with 2 when it is told something wrong.
`;
const PLACE = fileURLToPath(new URL('place.mjs', import.meta.url));
/** Longer than any of this may take on the slowest machine. */
const MOST_MS = 120_000;
/** Descriptors that a process may hold after its last guest and did not hold after its first. */
const MORE_DESCRIPTORS = 8;

/** Where a capture is kept until it has been checked, which it is before the next migration begins. */
const MEMORY_BACKED = '/dev/shm';
/** The largest guest, written whole in each of the most rounds, takes a third of it; a capture leaves another one free. */
const LEAST_ROOM_BYTES = 3 * 2 ** 30;

/** A process that guests come to and leave from. */
class Place {
  #child = fork(PLACE);
  #waiting;

  constructor() {
    this.#child.on('message', ({ result, failure }) => {
      if (failure === undefined) this.#waiting.resolve(result);
      else this.#waiting.reject(new Error(failure));
    });
    this.#child.on('exit', (code, signal) => {
      this.#waiting?.reject(new Error(`a process ended: ${signal ?? `exit code ${code}`}`));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  async ask(method, argument) {
    const timer = setTimeout(() => {
      this.#waiting.reject(new Error(`${method} is not over after ${MOST_MS / 1000} s`));
    }, MOST_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#child.send({ method, argument });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  end() {
    this.#child.kill('SIGKILL');
  }
}

function demand(isSo, what, facts) {
  if (!isSo) throw new Error(`${what}: ${JSON.stringify(facts)}`);
}

/** Throws, and leaves the file, where the capture of a migration is not as the protocol says. */
async function checkCaptured(file) {
  const { violations, cut } = await checkCapture(
    createReadStream(file, { highWaterMark: 2 ** 20 }),
  );
  demand(violations.length === 0 && cut === null, `the capture ${file} is not right`, {
    cut,
    violations: violations.slice(0, 5),
  });
  rmSync(file);
}

/** One hop, and whether the guest is where it must be. Answers whether it has moved, and the report. */
async function hop(drawn, here, there, tee) {
  const ended = await here.ask('hop', { ...drawn, tee, port: await there.ask('port') });
  const { code, report, cancelled } = ended;
  const told = await there.ask('told');
  demand(told.lost.length === 0, 'the guest was lost', { told, ended });
  await checkCaptured(tee);
  if (code === null) {
    demand(!cancelled, 'a migration that was cancelled went on', report);
    demand(report.guestVerified === true, 'not verified', report);
    demand(told.arrived === 1, 'no guest has arrived', told);
    const operations = await here.ask('operations');
    const verification = await there.ask('verify');
    demand(verification.pagesDifferent === 0, 'pages differ at the destination', verification);
    demand((await here.ask('operations')) === operations, 'the guest runs at both ends', report);
    await here.ask('letGo');
    return { moved: true, report };
  }
  const mayFail = cancelled
    ? 'CANCELLED'
    : drawn.migration.otherwise === 'abort'
      ? 'NOT_CONVERGING'
      : 'nothing';
  demand(code === mayFail, 'the migration failed', ended);
  demand(report.guestLocation === 'source', 'the guest is not where it was', report);
  demand(told.arrived === 0, 'a guest has arrived all the same', told);
  const verification = await here.ask('verify');
  demand(verification.pagesDifferent === 0, 'pages differ at the source', verification);
  return { moved: false, report };
}

class Run {
  #counts = new Map();
  #migrations = 0;
  #pages = 0;
  #started = performance.now();

  constructor(places, trackers, folder) {
    this.places = places;
    this.folder = folder;
    this.trackers = trackers;
  }

  get migrations() {
    return this.#migrations;
  }

  /** At most so many hops of it. Throws when something is not as it must be. */
  async journey(seed, most) {
    let [here, there] = this.places;
    const { guest, hops } = drawJourney(seed, { trackers: this.trackers, pid: here.pid });
    console.log(`journey ${seed} | ${describeGuest(guest)}`);
    await here.ask('create', guest);
    for (const drawn of hops.slice(0, most)) {
      this.#migrations += 1;
      const place = String(this.#migrations).padStart(5);
      try {
        const { moved, report } = await hop(drawn, here, there, this.#capture);
        if (moved) [here, there] = [there, here];
        const outcome = moved ? 'verified ' : report.outcome.padEnd(9);
        const figures = `${Math.round(report.totalMs)} ms, ${report.demandFaults} faults`;
        console.log(`${place} ${outcome} | ${describeHop(drawn)} | ${figures}`);
        this.#count(moved ? drawn.migration.strategy : report.outcome);
        this.#pages += report.pagesSent;
      } catch (error) {
        console.log(`${place} WRONG     | ${describeHop(drawn)}`);
        console.error(JSON.stringify({ guest, drawn }));
        throw error;
      }
    }
    await here.ask('letGo');
  }

  get #capture() {
    return join(this.folder, `${this.#migrations}.capture`);
  }

  descriptors() {
    return Promise.all(this.places.map((place) => place.ask('descriptors')));
  }

  summary() {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    const counts = [...this.#counts].map(([name, count]) => `${count} ${name}`).join(', ');
    return `${this.#migrations} migrations in ${seconds} s (${counts}): ${this.#pages} pages, every stream as the protocol says`;
  }

  #count(name) {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

function availableTrackers() {
  const { capabilities } = probe();
  return TRACKER_KINDS.filter((kind) =>
    capabilities.some(({ name, available }) => name === kind && available),
  );
}

function* seedsOf({ migrations, seed, only }, run) {
  if (only !== undefined) {
    yield only;
    return;
  }
  for (let index = 0; run.migrations < migrations; index += 1) yield journeySeed(seed, index);
}

function captureRoom() {
  if (!existsSync(MEMORY_BACKED)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY_BACKED);
  return bavail * bsize >= LEAST_ROOM_BYTES ? MEMORY_BACKED : tmpdir();
}

async function soak(options) {
  const places = [new Place(), new Place()];
  const folder = mkdtempSync(join(captureRoom(), `pageferry-soak-${process.pid}-`));
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      for (const place of places) place.end();
      rmSync(folder, { recursive: true });
      process.kill(process.pid, signal);
    });
  }
  const run = new Run(places, availableTrackers(), folder);
  let atFirst;
  try {
    for (const seed of seedsOf(options, run)) {
      try {
        await run.journey(seed, options.migrations - run.migrations);
      } catch (error) {
        console.error(error);
        console.error(`again: npm run soak -- --only ${seed}`);
        return 1;
      }
      atFirst ??= await run.descriptors();
    }
    const atLast = await run.descriptors();
    console.log(run.summary());
    if (atLast.every((count, at) => count <= atFirst[at] + MORE_DESCRIPTORS)) return 0;
    console.error(`descriptors were not given back: ${atFirst} after one journey, ${atLast} now`);
    return 1;
  } finally {
    for (const place of places) place.end();
    // Not one that holds a capture which is not right.
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        migrations: { type: 'string' },
        seed: { type: 'string', default: String(Date.now() >>> 0) },
        only: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    const migrations =
      values.migrations ?? (values.only === undefined ? '200' : String(Number.MAX_SAFE_INTEGER));
    const isWhole = (text) => /^\d+$/.test(text ?? '0');
    if (![migrations, values.seed, values.only].every(isWhole) || Number(migrations) < 1) {
      return undefined;
    }
    const only = values.only === undefined ? undefined : Number(values.only);
    return { help: values.help, migrations: Number(migrations), seed: Number(values.seed), only };
  } catch {
    return undefined;
  }
}

async function main() {
  const options = readOptions();
  if (options === undefined || options.help) {
    (options === undefined ? process.stderr : process.stdout).write(HELP);
    return options === undefined ? 2 : 0;
  }
  if (options.only === undefined) {
    console.log(`${options.migrations} migrations, seed ${options.seed}`);
  }
  return await soak(options);
}

process.exitCode = await main();
