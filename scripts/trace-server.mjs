// Records a trace of a real server under load: `pageferry trace` on redis or postgres, in a temporary folder, on a Unix
// socket, with the load that the server's own benchmark makes. Installs nothing and leaves nothing running.
//
//   node scripts/trace-server.mjs redis|postgres OUT [--seconds N] [--interval TIME]
//
// Exit codes: 0 recorded; 1 it failed or was interrupted; 2 wrong usage; 3 the server is not installed.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const READY_MS = 60_000;
const END_MS = 15_000;
const PAGEFERRY = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const USAGE =
  'usage: node scripts/trace-server.mjs redis|postgres OUT [--seconds N] [--interval TIME]';

/** What this prints is for the person who runs it. */
class Refusal extends Error {
  exitCode = 1;
}

class WrongUsage extends Refusal {
  exitCode = 2;
}

class NotInstalled extends Refusal {
  exitCode = 3;
}

function postgresFolders() {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return [];
  return readdirSync(base).map((version) => join(base, version, 'bin'));
}

/** Throws with the package that has it. */
function find(program, debianPackage) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...postgresFolders()];
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new NotInstalled(
    `${program} is not installed: apt-get install --no-install-recommends ${debianPackage}`,
  );
}

/** Everything that was started, and the folder it runs in. `programs`: paths by name. `as`: uid and gid, or nothing. */
class Place {
  #running = [];
  #over = new AbortController();

  constructor(programs, as = {}) {
    this.programs = programs;
    this.as = as;
    this.folder = mkdtempSync(join(tmpdir(), 'pageferry-server-'));
    if (as.uid !== undefined) chownSync(this.folder, as.uid, as.gid);
  }

  /** Aborted when a person has had enough. */
  get signal() {
    return this.#over.signal;
  }

  program(name) {
    return this.programs[name];
  }

  interrupt() {
    this.#over.abort(new Refusal('interrupted'));
  }

  /** Runs until end(). `signal` is how it is told to. */
  start(program, args, signal = 'SIGTERM') {
    const child = spawn(program, args, { ...this.as, cwd: this.folder, stdio: 'ignore' });
    const ended = once(child, 'exit');
    this.#running.push({ child, ended, signal });
    return child;
  }

  /** To its end; answers what it printed. */
  run(program, args) {
    this.signal.throwIfAborted();
    const stdio = ['ignore', 'pipe', 'pipe'];
    return execFileSync(program, args, { ...this.as, cwd: this.folder, stdio, encoding: 'utf8' });
  }

  /** Tries until it answers something. */
  async poll(what, attempt) {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      this.signal.throwIfAborted();
      try {
        const answer = attempt();
        if (answer) return answer;
      } catch (error) {
        if (performance.now() > deadline) throw new Refusal(`${what}: ${error.message}`);
      }
      if (performance.now() > deadline) throw new Refusal(`${what}: nothing came`);
      await sleep(100);
    }
  }

  /** On return nothing of it is left. The last that was started ends first. */
  async end() {
    for (const { child, ended, signal } of this.#running.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
        await ended;
        clearTimeout(late);
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const KEYS = '200000';
const VALUE_BYTES = '512';

/** A store of about 150 MB, whose keys are written and read at random. */
const redis = {
  programs: { 'redis-server': 'redis-server', 'redis-benchmark': 'redis-tools' },
  place: (programs) => new Place(programs),
  async start(place) {
    const [server, benchmark] = [place.program('redis-server'), place.program('redis-benchmark')];
    const socket = join(place.folder, 'redis.sock');
    const quiet = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
    const child = place.start(server, [...quiet, '--dir', place.folder]);
    const load = ['-s', socket, '-r', KEYS, '-d', VALUE_BYTES];
    await place.poll('redis does not start', () =>
      place.run(benchmark, [...load, '-n', '1', '-t', 'ping', '-q']),
    );
    place.run(benchmark, [...load, '-n', '600000', '-P', '16', '-t', 'set', '-q']);
    place.start(benchmark, [...load, '-c', '8', '-t', 'set', '-l', '-n', '1000000']);
    place.start(benchmark, [...load, '-c', '8', '-t', 'get', '-l', '-n', '1000000']);
    return child.pid;
  },
};

/** PostgreSQL refuses to run as root: then as the user that its package has made. */
function postgresUser() {
  if (process.getuid() !== 0) return {};
  try {
    const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    throw new NotInstalled(
      'PostgreSQL does not run as root, and there is no user postgres: apt-get install postgresql',
    );
  }
}

/**
 * TPC-B on about 150 MB, by one client: its backend is what is recorded, because each process of PostgreSQL maps the
 * shared buffers for itself and a trace sees the pages that the recorded one has touched.
 */
const postgres = {
  programs: {
    initdb: 'postgresql',
    postgres: 'postgresql',
    psql: 'postgresql-client',
    pgbench: 'postgresql-contrib',
  },
  place: (programs) => new Place(programs, postgresUser()),
  async start(place) {
    const program = (name) => place.program(name);
    const data = join(place.folder, 'data');
    place.run(program('initdb'), ['-D', data, '-U', 'postgres', '--auth', 'trust', '-N']);
    const settings = ['listen_addresses=', 'shared_buffers=256MB', 'fsync=off'];
    const options = ['-D', data, '-k', place.folder, ...settings.flatMap((one) => ['-c', one])];
    place.start(program('postgres'), options, 'SIGINT'); // A fast shutdown.
    const to = ['-h', place.folder, '-U', 'postgres'];
    const ask = (sql) => place.run(program('psql'), [...to, '-At', '-c', sql, 'postgres']).trim();
    await place.poll('postgres does not start', () => ask('select 1'));
    place.run(program('pgbench'), [...to, '-i', '-q', '-s', '10', 'postgres']);
    place.start(program('pgbench'), [...to, '-c', '1', '-T', '100000', 'postgres']);
    // Before its client connects, pgbench looks at the tables on a connection that then ends.
    const backend =
      "select pid from pg_stat_activity where application_name = 'pgbench' and query like 'UPDATE pgbench%'";
    return Number(await place.poll('pgbench does not start', () => ask(backend)));
  },
};

const servers = { redis, postgres };

/** Answers the exit code of the command. */
async function record(pid, out, { seconds, interval }, place) {
  const args = ['trace', '--pid', String(pid), '--out', out];
  if (seconds !== undefined) args.push('--seconds', seconds);
  if (interval !== undefined) args.push('--interval', interval);
  const child = spawn(process.execPath, [PAGEFERRY, ...args], { stdio: 'inherit' });
  // A Ctrl-C of the terminal reaches it, too, and a second one would make it drop the file.
  place.signal.addEventListener('abort', () => process.stdin.isTTY || child.kill('SIGINT'));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

function parse(argv) {
  try {
    const options = { seconds: { type: 'string' }, interval: { type: 'string' } };
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
    const [name = '', out = ''] = positionals;
    if (!Object.hasOwn(servers, name) || out === '' || positionals.length > 2)
      throw new WrongUsage();
    return { server: servers[name], out: resolve(out), values };
  } catch {
    throw new WrongUsage(USAGE);
  }
}

async function main() {
  const { server, out, values } = parse(process.argv.slice(2));
  if (!existsSync(PAGEFERRY)) throw new Refusal('the command is not built: npm run build');
  const found = Object.entries(server.programs).map(([name, debianPackage]) => [
    name,
    find(name, debianPackage),
  ]);
  const place = server.place(Object.fromEntries(found));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => place.interrupt());
  // Where there is a channel: whoever started this is gone, perhaps killed, and nobody wants the recording.
  let isWanted = true;
  process.once('disconnect', () => {
    isWanted = false;
    place.interrupt();
  });
  process.channel?.unref();
  try {
    const pid = await server.start(place);
    return await record(pid, out, values, place);
  } finally {
    await place.end();
    if (!isWanted) rmSync(out, { force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = error instanceof Refusal ? error.exitCode : 1;
}
