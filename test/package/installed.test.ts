/** What a user does first, in an empty project, on each release of Node: look at the machine, and move a guest. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, type TestContext } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { failureOf, OTHER_NODES, run } from './run.js';

const installed = inject('installed');
const tools = inject('tools');

function emptyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-empty-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function nodeFolder(major: number): string {
  return join(tools, 'node_modules', `node${major}`, 'bin');
}

/** One command of Pageferry, by the `node` of that folder. Rejects unless it exits with 0. */
async function pageferry(args: readonly string[], node?: string): Promise<string> {
  const { stdout } = await run(join(installed, 'node_modules/.bin/pageferry'), args, {
    cwd: installed,
    ...(node === undefined ? {} : { nodeFolder: node }),
  });
  return stdout;
}

async function moveGuest(node: string | undefined, context: TestContext): Promise<void> {
  // Exits with 1 where it says that something is missing. Where it says nothing it is broken, and no reason to skip.
  const said = await pageferry(['doctor', '--json'], node).catch(({ cause }) => cause.stdout);
  const { ready } = JSON.parse(said);
  context.skip(!ready, 'doctor says that post-copy does not work on this machine');
  const report = join(emptyProject(), 'report.json');
  const guest = ['--memory', '32MiB', '--workload', 'hotset', '--observe', '100ms'];
  await pageferry(['demo', '--strategy', 'hybrid', ...guest, '--json', report], node);
  const { migrations } = JSON.parse(readFileSync(report, 'utf8'));
  expect(migrations).toMatchObject([
    { strategy: 'hybrid', outcome: 'completed', verification: { pagesDifferent: 0 } },
  ]);
}

describe('a package that was installed without scripts', () => {
  it("runs as `npx pageferry` on this machine's Node", async () => {
    const { stdout } = await run('npx', ['pageferry', 'doctor'], { cwd: installed });
    expect(stdout).toContain(process.versions.node);
    expect(stdout).toMatch(/^(Ready|Not ready): /m);
  });

  it("moves a guest by hybrid on this machine's Node, every page verified", async (context) => {
    await moveGuest(undefined, context);
  });

  it.for(OTHER_NODES)(
    'moves a guest by hybrid on Node %i, every page verified',
    async (major, context) => {
      const { stdout } = await run('node', ['--version'], {
        cwd: tools,
        nodeFolder: nodeFolder(major),
      });
      expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
      await moveGuest(nodeFolder(major), context);
    },
  );

  it.for(OTHER_NODES)('makes certificates with the OpenSSL of Node %i', async (major) => {
    const lab = join(emptyProject(), 'lab');
    for (const args of [
      ['init', lab],
      ['issue', lab, 'host-a', '10.0.0.1'],
      ['revoke', lab, 'host-a'],
    ]) {
      await pageferry(['pki', ...args], nodeFolder(major));
    }
    // By the OpenSSL of this machine's Node, which may be an older one.
    expect(await pageferry(['pki', 'list', lab])).toMatch(/host-a .* revoked/);
  });

  it('has an npm 12 run it without having to approve a script of ours', async () => {
    const cwd = emptyProject();
    const npm = (program: string, ...args: string[]): ReturnType<typeof run> =>
      run('node', [join(tools, 'node_modules/npm12/bin', program), ...args], {
        cwd,
        nodeFolder: nodeFolder(26),
      });
    const { stdout, stderr } = await npm('npm-cli.js', 'install', inject('tarball'));
    // It mentions `prepare`, which it would not run either, of a tarball that comes from no registry.
    expect(stdout + stderr).not.toMatch(/pageferry@\S+ \((?!prepare: )/);
    expect((await npm('npx-cli.js', 'pageferry', '--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await npm('npx-cli.js', 'pageferry', 'doctor', '--json')).stdout).toMatch(
      /"node": "26\./,
    );
  });

  it('runs the examples that it brings', async () => {
    const example = join(installed, 'node_modules/pageferry/examples/embed.mjs');
    const { stdout } = await run('node', [example], { cwd: installed });
    expect(stdout).toMatch(/the guest is intact\n$/);
  });

  it('says in one line, for a platform it has no addon for, what it has and what else works', async () => {
    const cwd = emptyProject();
    cpSync(installed, cwd, { recursive: true, verbatimSymlinks: true });
    rmSync(join(cwd, `node_modules/pageferry/prebuilds/linux-${process.arch}`), {
      recursive: true,
    });
    const { stderr } = await failureOf('npx', ['pageferry', 'doctor'], { cwd });
    expect(stderr).toMatch(
      /^pageferry: UNSUPPORTED: [^\n]+ linux-x64 and linux-arm64\. [^\n]+ a clone [^\n]+\n$/,
    );
  });
});

describe('the bench of an installed package', () => {
  it('lists its suites without what only the report is drawn with', async () => {
    expect(await pageferry(['bench', 'list'])).toMatch(/quick/);
  });

  it.each([
    ['draws the report', ['report'], /@observablehq\/plot@\S+ linkedom@\S+/],
    ['draws the plots', ['export', '--svg'], /@observablehq\/plot@\S+ linkedom@\S+/],
    ['writes Parquet', ['export', '--parquet'], /hyparquet-writer@\S+/],
  ])('names the command that installs what %s', async (_, [command = '', ...flags], packages) => {
    const result = join(emptyProject(), 'result.json');
    cpSync('bench/results/quick.json', result);
    const args = ['pageferry', 'bench', command, result, ...flags];
    const { stderr } = await failureOf('npx', args, { cwd: installed });
    expect(stderr).toMatch(new RegExp(`^bench: [^\\n]+ npm install ${packages.source}\\n$`));
  });
});
