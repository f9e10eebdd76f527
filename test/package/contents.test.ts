/** What is in a package, and what it asks of the system that it is installed on. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { neededVersions, newestVersion } from '../../scripts/needed-versions.mjs';

const installed = inject('installed');
const folder = join(installed, 'node_modules', 'pageferry');
const ARCHITECTURES = ['arm64', 'x64'] as const;
/** It reads binaries for both. */
const OBJDUMP = 'aarch64-linux-gnu-objdump';
/** What the header of a binary calls its architecture. */
const MACHINE = { x64: 62, arm64: 183 } as const;

const addon = (arch: string): string => join(folder, `prebuilds/linux-${arch}/pageferry.node`);
const files = (readdirSync(folder, { recursive: true }) as string[]).sort();

describe('a package', () => {
  it('has an addon for each platform, and for no other', () => {
    expect(files.filter((name) => name.endsWith('.node'))).toEqual(
      ARCHITECTURES.map((arch) => `prebuilds/linux-${arch}/pageferry.node`),
    );
    for (const arch of ARCHITECTURES) {
      expect(readFileSync(addon(arch)).readUInt16LE(18), arch).toBe(MACHINE[arch]);
    }
  });

  it('has nothing that npm would run or compile when it is installed', () => {
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall'])
      expect(scripts).not.toHaveProperty(name);
    expect(files).not.toContain('binding.gyp');
    const lock = JSON.parse(
      readFileSync(join(installed, 'node_modules/.package-lock.json'), 'utf8'),
    );
    expect(lock.packages['node_modules/pageferry']).not.toHaveProperty('hasInstallScript');
  });

  it.each(ARCHITECTURES)(
    'needs no newer C library than glibc 2.34 for %s, and no C++ library',
    (arch) => {
      const versions = neededVersions(addon(arch), OBJDUMP);
      expect(versions.length).toBeGreaterThan(5);
      expect(newestVersion([...versions, 'GLIBC_2.34'], 'GLIBC')).toBe('2.34');
      expect(newestVersion(versions, 'GLIBCXX')).toBeUndefined();
    },
  );

  it.each(ARCHITECTURES)('has an addon without debugging symbols for %s', (arch) => {
    const symbols = execFileSync(OBJDUMP, ['-t', addon(arch)], { encoding: 'utf8' });
    expect(symbols).toMatch(/no symbols/);
  });

  it('brings the licences of the code that is in its addons', () => {
    expect(readFileSync(join(folder, 'prebuilds/LICENSE.lz4'), 'utf8')).toMatch(/Yann Collet/);
    expect(readFileSync(join(folder, 'prebuilds/LICENSE.zstd'), 'utf8')).toMatch(/Meta Platforms/);
    expect(readFileSync(join(folder, 'prebuilds/LICENSE.node-addon-api'), 'utf8')).toMatch(/MIT/);
  });

  it('forces nothing on those who embed it that only the build or the bench needs', () => {
    const there = readdirSync(join(installed, 'node_modules'));
    for (const name of [
      'lmdb',
      'zstd-napi',
      'node-addon-api',
      'hyparquet-writer',
      'linkedom',
      '@observablehq',
      'd3',
      'typescript',
    ]) {
      expect(there).not.toContain(name);
    }
  });

  it('has whatever its documents link to', () => {
    const documents = files.filter((name) => name.endsWith('.md'));
    expect(documents).toContain('README.md');
    const broken = documents.flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8').replace(
        /```[\s\S]*?```|`[^`\n]*`/g,
        '',
      );
      return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => join(dirname(name), target))
        .filter((target) => !existsSync(join(folder, target)))
        .map((target) => `${name}: ${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('has no program of which the source is gone', () => {
    const programs = files.filter((name) => /^dist\/.*\.js$/.test(name));
    expect(programs).toContain('dist/cli/main.js');
    const sourceOf = (name: string): string =>
      name
        .replace(/^dist\/(?!bench\/)/, 'src/')
        .replace(/^dist\//, '')
        .replace(/js$/, 'ts');
    expect(programs.filter((name) => !existsSync(sourceOf(name)))).toEqual([]);
  });

  it('has no results of the bench, and no sources of tests', () => {
    expect(
      files.filter((name) => /_test\.cc$|^test\/|results\/.*\.json$|\.map$/.test(name)),
    ).toEqual([]);
  });
});
