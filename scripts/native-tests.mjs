// Builds the native tests with CMake and runs them with CTest.
//
//   node scripts/native-tests.mjs plain|asan|tsan [--build-dir DIR] [CTEST OPTION...]
//
// CTest options pass through: `-R page_codec` picks tests, `--output-junit FILE` writes a report.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sanitizers = { plain: '', asan: 'address,undefined', tsan: 'thread' };

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const [kind, ...options] = process.argv.slice(2);
if (!Object.hasOwn(sanitizers, kind)) {
  console.error(`usage: native-tests.mjs ${Object.keys(sanitizers).join('|')} [--build-dir DIR] …`);
  process.exit(2);
}
let buildDir = join(root, 'build-native', kind);
if (options[0] === '--build-dir') buildDir = resolve(options.splice(0, 2)[1]);

const jobs = String(availableParallelism());
run('cmake', ['-S', root, '-B', buildDir, `-DPAGEFERRY_SANITIZE=${sanitizers[kind]}`]);
run('cmake', ['--build', buildDir, '-j', jobs]);
const ctest = ['--test-dir', buildDir, '--output-on-failure', '--no-tests=error', '-j', jobs];
run('ctest', [...ctest, ...options], {
  ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? 'detect_stack_use_after_return=1',
  UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? 'print_stacktrace=1',
  TSAN_OPTIONS: process.env.TSAN_OPTIONS ?? 'halt_on_error=1 second_deadlock_stack=1',
});
