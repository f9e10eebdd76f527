// Builds the bench's native programs with g++, when a source is newer than what it was built into, and runs
// them.
import { execFile, execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { cacheFolder } from '#engine/host/cache-folder.js';
import { saidBy } from './errors.js';
import { nativeAnswers } from './native-answers.js';
import { root } from './places.js';

/** In the package's own folder or, where that cannot be written, in the user's cache. */
function buildDir(): string {
  try {
    accessSync(root, constants.W_OK);
    return join(root, 'build-native', 'bench');
  } catch {
    return cacheFolder('bench');
  }
}

const RUN_TIMEOUT_MS = 300_000;

/** Relative paths of all files in these folders that end like this, tests apart. */
function filesIn(folders: readonly string[], ending: string): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(ending) && !name.endsWith(`_test${ending}`))
      .sort()
      .map((name) => join(folder, name)),
  );
}

const trackerFolders = ['native/os', 'native/region', 'native/tracker'];
const faultFolders = ['native/codec', 'native/net', 'native/wire'];
const loopback = 'bench/baselines/loopback.cc';
const measure = 'bench/native/measure.cc';
/** The C libraries that native/codec needs. */
const cLibraries = ['lz4', 'zstd'];
const programs = {
  'tcp-stream': () => [
    'bench/baselines/tcp_stream.cc',
    'bench/baselines/bulk_send.cc',
    'bench/baselines/io_ring.cc',
    loopback,
  ],
  'tls-stream': () => ['bench/baselines/tls_stream.cc', loopback],
  'tcp-round-trip': () => ['bench/baselines/tcp_round_trip.cc', loopback],
  'memory-read': () => ['bench/baselines/memory_read.cc', loopback],
  'local-install': () => ['bench/baselines/local_install.cc', loopback],
  relay: () => ['bench/links/relay.cc', 'bench/links/direction.cc'],
  'mark-reader': () => ['bench/peers/mark_reader.cc'],
  'tick-rate': () => ['bench/peers/tick_rate.cc'],
  'sent-bytes': () => ['bench/peers/sent_bytes.cc'],
  'warm-memory': () => ['bench/native/warm_memory.cc'],
  'stall-watch': () => ['bench/native/stall_watch.cc'],
  'tracker-bench': () => [
    'bench/native/tracker_bench.cc',
    measure,
    ...filesIn(trackerFolders, '.cc'),
  ],
  'install-bench': () => [
    'bench/native/install_bench.cc',
    measure,
    ...filesIn(trackerFolders, '.cc'),
  ],
  'fault-bench': () => [
    'bench/native/fault_bench.cc',
    measure,
    loopback,
    'native/channel/record_io.cc',
    'native/send/page_server.cc',
    'native/receive/answer_reader.cc',
    'native/receive/fault_handler.cc',
    ...filesIn([...trackerFolders, ...faultFolders], '.cc'),
    ...cLibraries.flatMap((library) => askLibrary(library, 'sources')),
  ],
  'codec-bench': () => [
    'bench/native/codec_bench.cc',
    measure,
    'native/image/image_file.cc',
    'native/workload/image_fill.cc',
    'native/workload/page_content.cc',
    'native/workload/process_fill.cc',
    'native/workload/snapshots.cc',
    ...filesIn([...trackerFolders, 'native/codec'], '.cc'),
    ...cLibraries.flatMap((library) => askLibrary(library, 'sources')),
  ],
} satisfies Record<string, () => string[]>;

export type NativeProgram = keyof typeof programs;

/** What is loaded into another program instead of run. */
const LIBRARIES: readonly NativeProgram[] = ['sent-bytes'];

/** What scripts/c-library.mjs answers: paths relative to the package's root. */
function askLibrary(library: string, what: 'sources' | 'include'): string[] {
  const script = join(root, 'scripts', 'c-library.mjs');
  const answer = execFileSync(process.execPath, [script, library, what], { encoding: 'utf8' });
  return answer.trim().split('\n');
}

/** Under a name of its own first, so that a build which is interrupted leaves nothing that looks whole. */
function produce(file: string, command: string, args: readonly string[]): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    execFileSync(command, [...args, '-o', unfinished], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function compile(
  source: string,
  object: string,
  includes: readonly string[],
  more: readonly string[],
): void {
  // The C sources are LZ4 and zstd, built as in binding.gyp.
  if (source.endsWith('.c')) {
    produce(object, 'gcc', ['-O3', '-DZSTD_TRACE=0', '-DZSTD_DISABLE_ASM=1', '-c', source]);
    return;
  }
  const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE', '-pthread', ...more];
  produce(object, 'g++', [...flags, ...includes.map((folder) => `-I${folder}`), '-c', source]);
}

function modifiedAt(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/** What has to be compiled for these sources. Programs share objects: most are the engine's. */
function planObjects(sources: readonly string[]) {
  const folders = [...new Set(sources.map((path) => dirname(path)))];
  const headers = filesIn(folders, '.h').map((path) => modifiedAt(join(root, path)));
  const newestHeader = Math.max(0, ...headers);
  return sources.map((source) => {
    const object = join(buildDir(), 'objects', `${source.replaceAll(/[/.]+/g, '_')}.o`);
    const newest = Math.max(newestHeader, modifiedAt(join(root, source)));
    return { source, object, stale: modifiedAt(object) <= newest };
  });
}

/** Path of the program, built if need be. Throws when g++ fails. */
export function buildNative(name: NativeProgram): string {
  const program = join(buildDir(), name);
  const sources = programs[name]();
  const objects = planObjects(sources);
  const stale = objects.filter((object) => object.stale);
  const newest = Math.max(...objects.map(({ object }) => modifiedAt(object)));
  if (stale.length === 0 && newest < modifiedAt(program)) return program;
  // On a terminal there may be a line of the progress, which is not to stay.
  process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}bench: building ${name}\n`);
  mkdirSync(join(buildDir(), 'objects'), { recursive: true });
  const ownFolders = sources
    .map((path) => dirname(path))
    .filter((path) => !path.startsWith('native'));
  const headers = sources.some((path) => path.endsWith('.c'))
    ? cLibraries.flatMap((library) => askLibrary(library, 'include'))
    : [];
  const includes = new Set(['native', ...ownFolders, ...headers]);
  const [compiled, linked] = LIBRARIES.includes(name) ? [['-fPIC'], ['-shared']] : [[], []];
  for (const { source, object } of stale) compile(source, object, [...includes], compiled);
  const libraries = name === 'tls-stream' ? ['-lssl', '-lcrypto'] : [];
  produce(program, 'g++', [
    '-pthread',
    ...linked,
    ...objects.map(({ object }) => object),
    ...libraries,
  ]);
  return program;
}

export type NativeAnswer<Program extends keyof typeof nativeAnswers> = v.InferOutput<
  (typeof nativeAnswers)[Program]
>;

/**
 * Builds and runs a program that prints one JSON object; answers the object. Rejects with what the program said
 * when it failed. When `signal` aborts, the program is ended and this rejects with the signal's reason.
 */
export async function runNative<Program extends keyof typeof nativeAnswers>(
  name: Program,
  args: readonly (string | number)[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<NativeAnswer<Program>> {
  const program = buildNative(name);
  try {
    const { stdout } = await promisify(execFile)(program, args.map(String), {
      timeout: RUN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      ...(signal === undefined ? {} : { signal }),
    });
    return v.parse(nativeAnswers[name], JSON.parse(stdout));
  } catch (error) {
    signal?.throwIfAborted();
    const { message, stderr } = saidBy(error);
    throw new Error(`${name} failed: ${stderr || message}`, { cause: error });
  }
}
