/**
 * Packs once for all tests, installs that in an empty project as a user would, and fetches the other releases of
 * Node. PAGEFERRY_TARBALL names a tarball to test instead: the one that is going to be published.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { OTHER_NODES, run } from './run.js';

declare module 'vitest' {
  interface ProvidedContext {
    readonly tarball: string;
    /** A project in which the tarball is installed, by this machine's npm and without scripts. */
    readonly installed: string;
    /** A project that has the other releases of Node, and npm 12. */
    readonly tools: string;
  }
}

let folder: string | undefined;

async function pack(into: string): Promise<string> {
  const given = process.env['PAGEFERRY_TARBALL'];
  if (given !== undefined) return resolve(given);
  await run('npm', ['pack', '--pack-destination', into], { cwd: process.cwd() });
  const name = readdirSync(into).find((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new Error('npm pack left no tarball');
  return join(into, name);
}

export async function setup({ provide }: TestProject): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'pageferry-package-'));
  const tarball = await pack(folder);
  const empty = (name: string): string => mkdtempSync(join(folder as string, `${name}-`));
  const installed = empty('installed');
  await run('npm', ['install', '--ignore-scripts', tarball], { cwd: installed });
  const tools = empty('tools');
  const nodes = OTHER_NODES.map((major) => `node${major}@npm:node-linux-${process.arch}@${major}`);
  // npm 12 says that it does not run on the Node that fetches it, which is so.
  await run('npm', ['install', '--ignore-scripts', ...nodes, 'npm12@npm:npm@12'], { cwd: tools });
  provide('tarball', tarball);
  provide('installed', installed);
  provide('tools', tools);
}

export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
