// Prints the folder of the LZ4 C sources, relative to the package's root, for binding.gyp and CMake.
//
// The package that ships them may be hoisted out of our own node_modules, so ask Node where it is.
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = createRequire(import.meta.url).resolve('lmdb'); // <package>/dist/index.cjs
const lz4Dir = join(dirname(dirname(main)), 'dependencies', 'lz4', 'lib');
process.stdout.write(`${relative(root, lz4Dir)}\n`);
