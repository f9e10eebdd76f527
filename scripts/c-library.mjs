// Prints where the sources of a C library are that is compiled into the addon, relative to the package's root. binding.gyp,
// CMake, the packer and the bench ask it.
//
//   node scripts/c-library.mjs lz4|zstd include|sources|licence
//
// `include` is the folder of its headers, `sources` the files to compile, one a line. The package that ships a library
// may be hoisted out of our own node_modules, so ask Node where it is.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `folder` is where the headers are, and `parts` are the folders or files in it that are compiled. Docs: decisions 2 and 34. */
const LIBRARIES = {
  lz4: {
    title: 'LZ4',
    shippedBy: 'lmdb',
    folder: 'dependencies/lz4/lib',
    parts: ['lz4.c'],
    licence: 'dependencies/lz4/lib/LICENSE',
  },
  zstd: {
    title: 'zstd',
    shippedBy: 'zstd-napi',
    folder: 'deps/zstd/lib',
    parts: ['common', 'compress', 'decompress'],
    licence: 'deps/zstd/LICENSE',
  },
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The folder of the package that ships it: both have their main file one folder below that. */
function packageFolder({ title, shippedBy }) {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(shippedBy)));
  } catch {
    // A package brings the addon, with the libraries in it, and not the sources; only programs of the bench want them there.
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return fail(
      `the ${title} sources come with a package that is not installed. Install it with: npm install --ignore-scripts ${shippedBy}@${devDependencies[shippedBy]}`,
    );
  }
}

function cFiles(folder, part) {
  if (part.endsWith('.c')) return [join(folder, part)];
  return readdirSync(join(folder, part))
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => join(folder, part, name));
}

const [name, what] = process.argv.slice(2);
if (!Object.hasOwn(LIBRARIES, name)) fail(`c-library: ${name}: expected lz4 or zstd`);
const library = LIBRARIES[name];
const at = packageFolder(library);
const folder = join(at, library.folder);
const answers = {
  include: () => [folder],
  sources: () => library.parts.flatMap((part) => cFiles(folder, part)),
  licence: () => [join(at, library.licence)],
};
if (!Object.hasOwn(answers, what)) {
  fail(`c-library: ${what}: expected ${Object.keys(answers).join(', ')}`);
}
for (const path of answers[what]()) console.log(relative(root, path));
