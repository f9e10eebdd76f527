// Builds the bench's native programs with g++, when a source is newer than the program, and runs them.
import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** In the package's own folder or, where that cannot be written, in the user's cache. */
function buildDir() {
  try {
    accessSync(root, constants.W_OK);
    return join(root, 'build-native', 'bench');
  } catch {
    const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
    return join(cache, 'pageferry', 'bench');
  }
}

const RUN_TIMEOUT_MS = 300_000;

/** Relative paths of all files in these folders that end like this, tests apart. */
function filesIn(folders, ending) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(ending) && !name.endsWith(`_test${ending}`))
      .sort()
      .map((name) => join(folder, name)),
  );
}

const engineFolders = ['native/os', 'native/region', 'native/tracker'];
const programs = {
  'tcp-stream': () => ['bench/baselines/tcp_stream.cc', 'bench/baselines/loopback.cc'],
  'tcp-round-trip': () => ['bench/baselines/tcp_round_trip.cc', 'bench/baselines/loopback.cc'],
  'memory-read': () => ['bench/baselines/memory_read.cc', 'bench/baselines/loopback.cc'],
  'local-install': () => ['bench/baselines/local_install.cc', 'bench/baselines/loopback.cc'],
  'mark-reader': () => ['bench/peers/mark_reader.cc'],
  'warm-memory': () => ['bench/native/warm_memory.cc'],
  'tracker-bench': () => ['bench/native/tracker_bench.cc', ...filesIn(engineFolders, '.cc')],
};

function isCurrent(program, sources) {
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const folders = new Set(sources.map((path) => dirname(path)));
  const inputs = [...sources, ...filesIn([...folders], '.h')];
  return inputs.every((path) => statSync(join(root, path)).mtimeMs < built);
}

/** Path of the program, built if need be. Throws when g++ fails. */
export function nativeProgram(name) {
  const program = join(buildDir(), name);
  const sources = programs[name]();
  if (isCurrent(program, sources)) return program;
  process.stderr.write(`bench: building ${name}\n`);
  mkdirSync(dirname(program), { recursive: true });
  const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE', '-Inative', '-pthread'];
  execFileSync('g++', [...flags, '-o', program, ...sources], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return program;
}

/**
 * Builds and runs a program that prints one JSON object; answers the object. When `signal` aborts, the
 * program is ended and this rejects with the signal's reason.
 */
export async function runNative(name, args, { signal } = {}) {
  const program = nativeProgram(name);
  try {
    const { stdout } = await promisify(execFile)(program, args.map(String), {
      timeout: RUN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      signal,
    });
    return JSON.parse(stdout);
  } catch (error) {
    signal?.throwIfAborted();
    const said = error.stderr?.trim();
    throw new Error(`${name} failed: ${said || error.message}`, { cause: error });
  }
}
