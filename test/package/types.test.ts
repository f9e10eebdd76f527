/** A TypeScript project that depends on the package compiles, however it resolves modules. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { expect, inject, it } from 'vitest';
import { failureOf, run } from './run.js';

const installed = inject('installed');
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
);

const PROGRAM = `
import {
  createGuestMemory, Destination, PageferryError, Source, type Guest, type MigrationReport,
} from 'pageferry';

class MyGuest implements Guest {
  constructor(readonly memory: Guest['memory']) {}
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async saveState(): Promise<Uint8Array> { return new Uint8Array(); }
  async loadState(_state: Uint8Array): Promise<void> {}
}

export async function move(port: number): Promise<MigrationReport> {
  const destination = await Destination.listen({
    port, createGuest: async (memory) => new MyGuest(memory),
  });
  destination.on('arrived', (guest: Guest) => console.log(guest.memory.bytes));
  const source = new Source(new MyGuest(createGuestMemory([4096])), {
    host: 'localhost', port, strategy: 'pre-copy',
  });
  source.on('progress', ({ phase, rateBytesPerSecond }) => console.log(phase, rateBytesPerSecond));
  try {
    return await source.migrate();
  } catch (error) {
    if (error instanceof PageferryError) console.log(error.code);
    throw error;
  }
}
`;

/** A project beside node_modules, so that 'pageferry' is found as a user's file finds it. */
function project(name: string, resolution: 'nodenext' | 'bundler', program: string): string {
  const folder = join(installed, name);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(resolve('node_modules/@types'), join(folder, 'node_modules/@types'));
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    module: resolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution: resolution,
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['guest.ts'] }),
  );
  writeFileSync(join(folder, 'guest.ts'), program);
  return folder;
}

it.each(['nodenext', 'bundler'] as const)(
  'types resolve with moduleResolution %s',
  async (resolution) => {
    const cwd = project(resolution, resolution, PROGRAM);
    await run('node', [compiler, '-p', '.'], { cwd });
  },
);

it('types are checked: a strategy that does not exist is an error', async () => {
  const cwd = project('wrong', 'nodenext', PROGRAM.replace("'pre-copy'", "'no-copy'"));
  const { stdout } = await failureOf('node', [compiler, '-p', '.'], { cwd });
  expect(stdout).toMatch(/guest\.ts\(\d+,\d+\): error TS2322: .*no-copy/);
});
