// A backend of PostgreSQL.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, type RunsAs, Unavailable } from '../place.js';
import { type CorpusProgram, MIB, residentBytes } from '../program.js';

function postgresFolders(): string[] {
  const base = '/usr/lib/postgresql';
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, 'bin')) : [];
}

/** PostgreSQL refuses to run as root: then as the user that its package has made. */
function postgresUser(): RunsAs {
  if (process.getuid?.() !== 0) return {};
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    throw new Unavailable(
      'PostgreSQL does not run as root, and there is no user postgres: apt-get install postgresql',
    );
  }
}

/** What a scale of 1 takes in the shared buffers. */
const PGBENCH_BYTES = 12 * MIB;

export const postgres: CorpusProgram = {
  name: 'postgres',
  title: 'a backend of PostgreSQL under pgbench',
  find: () => {
    const one = (name: string, its: string) => findProgram(name, its, postgresFolders());
    return {
      initdb: one('initdb', 'postgresql'),
      server: one('postgres', 'postgresql'),
      psql: one('psql', 'postgresql-client'),
      pgbench: one('pgbench', 'postgresql-contrib'),
    };
  },
  as: postgresUser,
  async start(place, { initdb = '', server = '', psql = '', pgbench = '' }, { bytes, seed }) {
    const data = place.file('data');
    await place.run(initdb, ['-D', data, '-U', 'postgres', '--auth', 'trust', '-N']);
    const buffers = Math.ceil((bytes * 1.5) / MIB);
    const settings = ['listen_addresses=', `shared_buffers=${buffers}MB`, 'fsync=off'];
    const options = ['-D', data, '-k', place.folder, ...settings.flatMap((one) => ['-c', one])];
    place.start(server, options, 'SIGINT'); // A fast shutdown.
    const to = ['-h', place.folder, '-U', 'postgres'];
    const ask = async (sql: string) =>
      (await place.run(psql, [...to, '-At', '-c', sql, 'postgres'])).trim();
    await place.poll('postgres does not start', () => ask('select 1'));
    const scale = Math.max(1, Math.round(bytes / PGBENCH_BYTES));
    await place.run(pgbench, [...to, '-i', '-q', '-s', `${scale}`, 'postgres']);
    // Each process maps the shared buffers for itself, so its first statement is to touch them all.
    const script = place.file('load.sql');
    writeFileSync(
      script,
      [
        '\\set id random(1, :accounts)',
        '\\set delta random(-5000, 5000)',
        'update pgbench_accounts set abalance = abalance + :delta where aid = :id;',
        'insert into pgbench_history (tid, bid, aid, delta, mtime) values (1, 1, :id, :delta, current_timestamp);',
      ].join('\n'),
    );
    const first = place.file('first.sql');
    writeFileSync(first, 'select count(*) from pgbench_accounts where abalance = :client_id;');
    const accounts = ['-D', `accounts=${scale * 100_000}`];
    const load = ['-n', '-c', '1', '-R', '2000', '-T', '100000', `--random-seed=${seed}`];
    const files = ['-f', `${first}@1`, '-f', `${script}@20000`];
    place.start(pgbench, [...to, ...load, ...accounts, ...files, 'postgres']);
    const backend =
      "select pid from pg_stat_activity where application_name = 'pgbench' and query like 'insert%' limit 1";
    const pid = Number(await place.poll('pgbench does not start', () => ask(backend)));
    await place.poll('its memory is not resident', () => residentBytes(pid) >= bytes * 0.7);
    return pid;
  },
};
