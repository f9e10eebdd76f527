// Builds the bench's native programs with g++, when a source is newer than the program, and runs them.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const buildDir = join(root, 'build-native', 'bench');
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
function build(name) {
  const program = join(buildDir, name);
  const sources = programs[name]();
  if (isCurrent(program, sources)) return program;
  process.stderr.write(`bench: building ${name}\n`);
  mkdirSync(buildDir, { recursive: true });
  const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE', '-Inative', '-pthread'];
  execFileSync('g++', [...flags, '-o', program, ...sources], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return program;
}

/** Builds and runs a program that prints one JSON object; answers the object. */
export async function runNative(name, ...args) {
  const { stdout } = await promisify(execFile)(build(name), args.map(String), {
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout);
}
