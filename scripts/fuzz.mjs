// Builds fuzz targets with libFuzzer, ASan and UBSan, and runs them one after the other.
//
//   node scripts/fuzz.mjs NAME|all [--runs N] [--seconds N] [--keep]
//   node scripts/fuzz.mjs control|trace-file [--runs N] [--seed N]
//
// NAME is that of native/fuzz/NAME_fuzz.cc; `control` is the control protocol (test/fuzz/control.test.ts), `trace-file` what
// reads a trace (test/fuzz/trace-file.test.ts). A run of NAME begins with the inputs in test/vectors/fuzz/NAME and those
// that earlier runs have found, in build-native/fuzz/corpus/NAME. With --keep those that reach code which none in
// test/vectors/fuzz/NAME reaches are added there, for the tests to replay.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './project-files.mjs';

const RUNS = '1000000';
/** What is written in TypeScript, and how often each runs where nobody says it. */
const PROPERTIES = { control: '1000', 'trace-file': '100000' };
const buildDir = join(root, 'build-native', 'fuzz');
const targets = readdirSync(join(root, 'native', 'fuzz'))
  .filter((file) => file.endsWith('_fuzz.cc'))
  .map((file) => file.replace('_fuzz.cc', ''));

function giveUp(reason) {
  console.error(`fuzz: ${reason}`);
  console.error(`usage: fuzz.mjs NAME|all [--runs N] [--seconds N] [--keep]
       fuzz.mjs ${Object.keys(PROPERTIES).join('|')} [--runs N] [--seed N]
  NAME: ${targets.join(', ')}`);
  process.exit(2);
}

/** The exit status. */
function run(command, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } };
  const { status, error } = spawnSync(command, args, options);
  if (error) console.error(`fuzz: cannot run ${command}: ${error.message}`);
  return status ?? 1;
}

function mustRun(command, args) {
  const status = run(command, args);
  if (status !== 0) process.exit(status);
}

function folder(...parts) {
  const path = join(...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

function build(names) {
  const compilers = ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_CXX_COMPILER=clang++'];
  mustRun('cmake', ['-S', root, '-B', buildDir, '-DPAGEFERRY_FUZZ=ON', ...compilers]);
  const wanted = names.map((name) => `${name}_fuzz`);
  const jobs = String(availableParallelism());
  mustRun('cmake', ['--build', buildDir, '-j', jobs, '--target', ...wanted]);
}

/** False when something was found. */
function fuzz(name, { runs, seconds, keep }) {
  const program = join(buildDir, `${name}_fuzz`);
  const found = folder(buildDir, 'corpus', name);
  const findings = folder(buildDir, 'findings', name);
  const kept = folder(root, 'test', 'vectors', 'fuzz', name);
  console.log(`fuzz: ${name}`);
  const status = run(program, [
    `-runs=${runs ?? (seconds === undefined ? RUNS : -1)}`,
    `-max_total_time=${seconds ?? 0}`,
    `-artifact_prefix=${findings}/`,
    '-use_value_profile=1',
    '-timeout=10',
    '-rss_limit_mb=2048',
    '-print_final_stats=1',
    found,
    kept,
  ]);
  if (status !== 0) {
    const [from, to] = [findings, kept].map((path) => relative(root, path));
    console.error(
      `fuzz: ${name}: the input is in ${from}. Mend what it shows, and move it to ${to}, where the tests replay it`,
    );
    return false;
  }
  if (keep) mustRun(program, ['-merge=1', '-use_counters=0', '-verbosity=0', kept, found]);
  return true;
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return giveUp(error.message);
  }
}

const { values, positionals } = parse();
const [name] = positionals;
if (positionals.length !== 1) giveUp('expected one NAME');
for (const option of ['runs', 'seconds', 'seed']) {
  const value = values[option];
  if (value !== undefined && !/^[1-9]\d*$/.test(value)) {
    giveUp(`--${option} ${value}: expected a whole number from 1 on`);
  }
}
if (Object.hasOwn(PROPERTIES, name)) {
  if (values.seconds !== undefined || values.keep) giveUp(`${name} takes --runs and --seed`);
  const test = ['vitest', 'run', '--project', 'engine', `test/fuzz/${name}.test.ts`];
  const env = { PAGEFERRY_FUZZ_RUNS: values.runs ?? PROPERTIES[name] };
  if (values.seed !== undefined) env.PAGEFERRY_FUZZ_SEED = values.seed;
  process.exit(run('npx', ['--no-install', ...test], env));
}
if (values.seed !== undefined) giveUp(`--seed is for ${Object.keys(PROPERTIES).join(' and ')}`);
const names = name === 'all' ? targets : targets.filter((target) => target === name);
if (names.length === 0) giveUp(`there is no target ${name}`);
build(names);
const failed = names.filter((each) => !fuzz(each, values));
if (failed.length > 0) {
  console.error(`fuzz: something was found: ${failed.join(', ')}`);
  process.exit(1);
}
