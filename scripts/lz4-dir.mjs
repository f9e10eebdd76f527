// Prints the folder of the LZ4 C sources, relative to the package's root, for binding.gyp and CMake.
//
// The package that ships them may be hoisted out of our own node_modules, so ask Node where it is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
let main; // <package>/dist/index.cjs
try {
  main = createRequire(import.meta.url).resolve('lmdb');
} catch {
  // A package brings the addon, with LZ4 in it, and not the sources; only programs of the bench want them there.
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.error(
    `the LZ4 sources come with a package that is not installed. Install it with: npm install --ignore-scripts lmdb@${devDependencies.lmdb}`,
  );
  process.exit(1);
}
const lz4Dir = join(dirname(dirname(main)), 'dependencies', 'lz4', 'lib');
process.stdout.write(`${relative(root, lz4Dir)}\n`);
