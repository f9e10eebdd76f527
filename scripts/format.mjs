// Formats every file that has a formatter: Biome for TypeScript, ESM and JSON, clang-format for C++ and C.
//
//   node scripts/format.mjs [--check-native]   (only says what clang-format would change)
import { spawnSync } from 'node:child_process';
import { projectFiles, root } from './project-files.mjs';

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}

const native = projectFiles().filter((path) => /^(?:native|examples)\/.*\.(?:h|cc?)$/.test(path));
if (process.argv[2] === '--check-native') {
  process.exit(run('clang-format', ['--dry-run', '-Werror', ...native]));
}
const biome = run('npx', ['--no-install', 'biome', 'check', '--write', '.']);
process.exit(run('clang-format', ['-i', ...native]) || biome);
