// `npm run check:native`: clang-tidy over the native product code, with Clang's thread safety analysis.
//
//   node scripts/check-native.mjs [--junit FILE] [PART OF A PATH...]
//
// The checks are in .clang-tidy; every warning is an error. The compile commands are those of the CMake build.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './project-files.mjs';

const buildDir = join(root, 'build-native', 'plain');

function configure() {
  const { status } = spawnSync('cmake', ['-S', root, '-B', buildDir, '-DPAGEFERRY_SANITIZE='], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function productFiles(parts) {
  const commands = JSON.parse(readFileSync(join(buildDir, 'compile_commands.json'), 'utf8'));
  const files = commands
    .map(({ file }) => relative(root, file))
    .filter((file) => file.startsWith('native/') && !/_test\.cc$|\/fuzz\//.test(file));
  const wanted = (file) => parts.length === 0 || parts.some((part) => file.includes(part));
  return [...new Set(files)].filter(wanted).sort();
}

/** True when nothing was found. */
function isClean(file) {
  return new Promise((resolve) => {
    const tidy = spawn('clang-tidy', ['-p', buildDir, '--quiet', file], { cwd: root });
    let found = '';
    tidy.stdout.on('data', (chunk) => {
      found += chunk;
    });
    // It counts there what it left out.
    let said = '';
    tidy.stderr.on('data', (chunk) => {
      said += chunk;
    });
    tidy.on('error', (error) => {
      console.error(`check-native: cannot run clang-tidy: ${error.message}. Install clang-tidy`);
      process.exit(1);
    });
    tidy.on('close', (status) => {
      if (status !== 0) process.stdout.write(found === '' ? said : found);
      resolve(status === 0);
    });
  });
}

const args = process.argv.slice(2);
const [, junit] = args[0] === '--junit' ? args.splice(0, 2) : [];
configure();
const files = productFiles(args);
const failed = [];
const queue = [...files];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (!(await isClean(file))) failed.push(file);
    }
  }),
);
console.log(`check-native: ${files.length - failed.length} files clean, ${failed.length} not`);
for (const file of failed.sort()) console.log(`check-native: ${file}`);
if (junit !== undefined) {
  writeFileSync(
    junit,
    `<testsuite name="check-native" tests="${files.length}" failures="${failed.length}" skipped="0"/>\n`,
  );
}
process.exit(failed.length > 0 || files.length === 0 ? 1 : 0);
