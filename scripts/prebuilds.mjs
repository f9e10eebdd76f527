// `npm run build:prebuilds`: the addons that a package brings, prebuilds/linux-ARCH/pageferry.node, stripped.
//
//   npm run build:prebuilds [-- ARCH...]   (default: x64 arm64)
//
// npm runs it before it packs. The addon for this machine's architecture is the one in build/; for the others
// node-gyp builds a copy of the sources with a cross compiler, in build-prebuilds/.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { neededVersions, newestVersion } from './needed-versions.mjs';
import { root } from './project-files.mjs';

const TRIPLES = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
/** What the error of the loader names (src/native/addon-error.ts). Docs: decision 28. */
const LEAST_GLIBC = '2.34';

function fail(message) {
  console.error(`prebuilds: ${message}`);
  process.exit(1);
}

function run(command, args, options) {
  const { error, status } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error) fail(`${command} cannot be run: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`);
}

function isThere(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The sources in a folder of their own: node-gyp has one place for what it builds. Times are kept for make. */
function copyOfSources(arch) {
  const folder = join(root, 'build-prebuilds', `linux-${arch}`);
  for (const name of ['native', 'scripts', 'binding.gyp', 'package.json', 'node_modules']) {
    rmSync(join(folder, name), { recursive: true, force: true });
    if (name === 'node_modules') symlinkSync(join(root, name), join(folder, name));
    else
      cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  return folder;
}

/** The addon, built and up to date, and how the tools for its architecture are called. */
function build(arch) {
  const isNative = arch === process.arch;
  const prefix = isNative ? '' : `${TRIPLES[arch]}-`;
  if (!isNative && !isThere(`${prefix}g++`)) {
    const debian = TRIPLES[arch].replace('_', '-');
    fail(`there is no ${prefix}g++ to build for ${arch}: apt-get install g++-${debian}`);
  }
  const folder = isNative ? root : copyOfSources(arch);
  const compilers = isNative ? {} : { CC: `${prefix}gcc`, CXX: `${prefix}g++` };
  run('node-gyp', ['configure', 'build', '-j', 'max', `--arch=${arch}`, '--loglevel=warn'], {
    cwd: folder,
    env: { ...process.env, ...compilers },
  });
  return { built: join(folder, 'build', 'Release', 'pageferry.node'), prefix };
}

/** What a package could not promise is never where it would be packed. */
function prebuild(arch) {
  const addon = join(root, 'prebuilds', `linux-${arch}`, 'pageferry.node');
  rmSync(dirname(addon), { recursive: true, force: true });
  const { built, prefix } = build(arch);
  const stripped = join(root, 'build-prebuilds', `pageferry-${arch}.node`);
  mkdirSync(dirname(stripped), { recursive: true });
  run(`${prefix}strip`, ['--strip-unneeded', '-o', stripped, built]);
  const versions = neededVersions(stripped, `${prefix}objdump`);
  const glibc = newestVersion(versions, 'GLIBC');
  const libstdcxx = newestVersion(versions, 'GLIBCXX');
  const isTooNew = newestVersion([...versions, `GLIBC_${LEAST_GLIBC}`], 'GLIBC') !== LEAST_GLIBC;
  if (isTooNew || libstdcxx !== undefined) {
    const needed = isTooNew ? `glibc ${glibc}` : `libstdc++ (GLIBCXX_${libstdcxx})`;
    fail(
      `the addon for ${arch} needs ${needed}, and packages promise that glibc ${LEAST_GLIBC} will do. Build them on Debian 12, for example in a container; what asks for more there is shown by: ${prefix}objdump -T ${relative(root, stripped)}`,
    );
  }
  mkdirSync(dirname(addon), { recursive: true });
  copyFileSync(stripped, addon);
  console.log(`prebuilds: linux-${arch}: needs glibc ${glibc}`);
}

/** The addons contain code of others, whose licences ask for their text to go with it. */
function copyLicences() {
  const require = createRequire(import.meta.url);
  for (const library of ['lz4', 'zstd']) {
    const ask = ['scripts/c-library.mjs', library, 'licence'];
    const licence = execFileSync(process.execPath, ask, { cwd: root, encoding: 'utf8' }).trim();
    copyFileSync(join(root, licence), join(root, 'prebuilds', `LICENSE.${library}`));
  }
  const nodeAddonApi = dirname(require.resolve('node-addon-api/package.json'));
  copyFileSync(join(nodeAddonApi, 'LICENSE.md'), join(root, 'prebuilds', 'LICENSE.node-addon-api'));
}

const chosen = process.argv.slice(2);
const unknown = chosen.find((arch) => !Object.hasOwn(TRIPLES, arch));
if (unknown !== undefined) fail(`no packages are made for ${unknown}; there are x64 and arm64`);
for (const arch of chosen.length > 0 ? chosen : Object.keys(TRIPLES)) prebuild(arch);
copyLicences();
