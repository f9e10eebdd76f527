// `npm run release`: what is published, into release/: the tarball, tested; its SBOM; and the checksums of both.
//
// Publishes nothing. docs/releasing.md is the list of what comes before and after.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './project-files.mjs';
import { withLinkedCode } from './sbom.mjs';

const folder = join(root, 'release');
const require = createRequire(import.meta.url);

function fail(message) {
  console.error(`release: ${message}`);
  process.exit(1);
}

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0)
    fail(`${command} ${args.join(' ')} failed: nothing in release/ may be published`);
}

/**
 * What an installation of the tarball brings, and the code of others that its addons contain. It is asked of a project
 * that has installed it: in the clone, npm leaves out what the development needs as well.
 */
function sbom(tarball) {
  const project = mkdtempSync(join(tmpdir(), 'pageferry-release-'));
  try {
    const npm = (...args) =>
      execFileSync('npm', ['--prefix', project, ...args], {
        cwd: project,
        encoding: 'utf8',
        maxBuffer: 64 << 20,
      });
    const self = { name: `installed-${name}`, version, private: true };
    writeFileSync(join(project, 'package.json'), JSON.stringify(self));
    npm('install', '--package-lock-only', '--ignore-scripts', tarball);
    const { lz4Version } = require(join(root, 'build/Release/pageferry.node'));
    return withLinkedCode(
      JSON.parse(npm('sbom', '--package-lock-only', '--sbom-format=spdx')),
      name,
      [
        { name: 'lz4', version: lz4Version(), licence: 'BSD-2-Clause' },
        {
          name: 'node-addon-api',
          version: require('node-addon-api/package.json').version,
          licence: 'MIT',
        },
      ],
    );
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

const changes = execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' });
if (changes !== '') fail(`there are changes that are not committed:\n${changes.trimEnd()}`);
const { name, version } = require('../package.json');
const notes = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
if (
  !new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, 'm').test(notes)
) {
  fail(`CHANGELOG.md has no dated section for ${version}: ## ${version} (YYYY-MM-DD)`);
}

const tarball = join(folder, `${name}-${version}.tgz`);
const bill = join(folder, `${name}-${version}.spdx.json`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
run('npm', ['pack', '--pack-destination', folder]);
run('npm', ['run', 'test:package'], { PAGEFERRY_TARBALL: tarball });
writeFileSync(bill, `${JSON.stringify(sbom(tarball), null, 2)}\n`);
const sums = [tarball, bill].map((file) => {
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${sum}  ${file.slice(folder.length + 1)}\n`;
});
writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
console.log(`release: ${name} ${version} is in release/; docs/releasing.md says how to publish it`);
