/** Whatever README.md says that a program can look up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Progress } from '#bench/lib/progress.js';
import { readScenarioFile } from '#bench/lib/scenario-file/read.js';
import { number } from '#bench/report/format.js';
import { readResult } from '#bench/result/file.js';
import type { MeasuredRow } from '#bench/result/schema.js';
import { suite as quick } from '#bench/suites/quick.js';
import { EXIT } from '#engine/cli/exit-codes.js';
import { STRATEGY_NAMES } from '#engine/index.js';
import { atEnd } from '../support/at-end.js';
import { brokenLinks } from './broken-links.js';
import { refusedCommandLines } from './command-lines.js';
import { fencesOf, spansOf, tableRowsOf } from './markdown.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readProjectFile = (path: string) => readFileSync(join(root, path), 'utf8');
const readme = readProjectFile('README.md');

/** What is wrong with a README; empty when nothing is. */
type Check = (page: string) => string[] | Promise<string[]>;

const complaintUnless = (is: boolean, complaint: string) => (is ? [] : [complaint]);

function newFolder(within: string): string {
  mkdirSync(within, { recursive: true });
  const folder = mkdtempSync(join(within, 'pageferry-readme-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

function onlyFence(page: string, language: string): string {
  const [fence, ...more] = fencesOf(page).filter((one) => one.language === language);
  if (fence === undefined || more.length > 0)
    throw new Error(`one block of ${language} is expected`);
  return fence.text;
}

const commands: Check = (page) => refusedCommandLines(page, root);

const links: Check = (page) => brokenLinks(page, root);

const scenarioFile: Check = async (page) => {
  const file = join(newFolder(tmpdir()), 'mine.json');
  writeFileSync(file, onlyFence(page, 'json'));
  try {
    await readScenarioFile(file, false);
    return [];
  } catch (error) {
    return [String(error)];
  }
};

/** What the README leaves to its reader, and what it says of an error. */
const GUEST = `
import { MigrationFailed, rehearse } from 'pageferry';

class MyGuest implements Guest {
  constructor(readonly memory: Guest['memory'], readonly description?: Uint8Array) {}
  readonly kernelTouches = true;
  window = (): unknown => this.memory.workerWindow(0, 4096);
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async saveState(): Promise<Uint8Array> { return new Uint8Array(); }
  async loadState(_state: Uint8Array): Promise<void> {}
}

await rehearse();
const saysSo = (error: MigrationFailed) => error.report.guestLocation === 'source';
`;

/** The example as a file of this project, which finds the package by its own name. */
const program: Check = (page) => {
  const folder = newFolder(join(root, 'build'));
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['guest.ts'] }),
  );
  writeFileSync(join(folder, 'guest.ts'), GUEST + onlyFence(page, 'ts'));
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  try {
    execFileSync('node', [join(dirname(compiler), 'bin/tsc'), '-p', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return [];
  } catch (error) {
    return [(error as { stdout: string }).stdout];
  }
};

/** Words of ours that the text sets as code; a command line is not one. */
const names: Check = (page) => {
  const sources = execFileSync('git', ['grep', '-hI', '', '--', 'src', 'bench/**/*.ts', 'native'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const words = new Set(sources.match(/[\w-]+/g));
  return spansOf(page)
    .filter((span) => /^[\w.():-]+(?:: \w+)?$/.test(span) || span.startsWith('await '))
    .flatMap((span) => span.match(/[\w-]{3,}/g) ?? [])
    .filter((word) => !words.has(word));
};

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  verified: 'the guest moved and every page is right',
  safeOnSource: 'the migration failed and the guest is safe on the source',
  usage: 'wrong usage',
  guestLost: 'the guest was lost or differs',
};

const exitCodes: Check = (page) => {
  const [, said = ''] = /Exit codes of the\s+source: ([^.]+)\./.exec(page) ?? [];
  const isSaid = new Set(said.replaceAll(/\s+/g, ' ').split('; '));
  return Object.entries(EXIT_MEANINGS)
    .map(([name, meaning]) => `${EXIT[name as keyof typeof EXIT]} ${meaning}`)
    .filter((line) => !isSaid.delete(line))
    .concat([...isSaid]);
};

/** Where the project itself says what it needs. */
const NEEDS: readonly (readonly [said: RegExp, path: string, by: (version: string) => string])[] = [
  [/Node (\d+\.\d+) or later/, 'package.json', (node) => `"node": ">=${node}"`],
  [/glibc\s+(\d+\.\d+)/, 'src/native/addon-error.ts', (glibc) => `LEAST_GLIBC = '${glibc}'`],
  [
    /Linux (\d+\.\d+) or later/,
    'native/os/userfaultfd.h',
    (it) => `minor_shared = false;  // Linux ${it}`,
  ],
  [
    /\((\d+\.\d+) for all but post-copy/,
    'docs/decisions/0028-prebuilt-addons.md',
    (it) => `a kernel before ${it}`,
  ],
  [
    /(\d+\.\d+) for the fastest dirty tracker/,
    'native/tracker/uffd_wp_async_tracker.h',
    (it) => `Linux >= ${it}.`,
  ],
];

const needs: Check = (page) =>
  NEEDS.flatMap(([said, path, by]) => {
    const version = said.exec(page)?.[1] ?? 'nothing';
    return complaintUnless(
      readProjectFile(path).includes(by(version)),
      `${path} has no ${by(version)}`,
    );
  });

const strategies: Check = (page) => {
  const listed = tableRowsOf(page).flatMap(
    ([name = '']) => /^\*\*([\w-]+)\*\*$/.exec(name)?.[1] ?? [],
  );
  return complaintUnless(`${listed}` === `${STRATEGY_NAMES}`, `there are ${STRATEGY_NAMES}`);
};

/** Where Node is started by us. */
const STARTS: readonly (readonly [path: string, line: RegExp])[] = [
  ['src/cli/main.ts', /^#!.*$/m],
  ['package.json', /^.*"demo": .*$/m],
  ['package.json', /^.*"bench": "node.*$/m],
];

const flags: Check = (page) => {
  const flag =
    /Start Node with `(--[\w-]+)`,\*\*\s+as `pageferry` does/.exec(page)?.[1] ?? 'nothing';
  return STARTS.map(([path, line]) => line.exec(readProjectFile(path))?.[0] ?? path).filter(
    (line) => !line.includes(` ${flag}`),
  );
};

/** In words, as the README has it. */
const howLongQuickTakes: Check = (page) => {
  let overview = '';
  const stream = new PassThrough().on('data', (text) => {
    overview += text;
  });
  new Progress(stream as never, quick.scenarios, 5, () => 0).overview();
  const [, minutes, seconds] = /about (\d+) min (\d+) s/.exec(overview) ?? [];
  const rounded = Math.round(Number(minutes) + Number(seconds) / 60);
  const words = ['no', 'one', 'two', 'three', 'four', 'five'];
  const claim = `# the suite quick, about ${words[rounded]} minutes`;
  return complaintUnless(page.includes(claim), `'${overview}' says: ${claim}`);
};

const peers = readResult(join(root, 'bench/results/peers.json'));

function peerRow(key: string): MeasuredRow & { baseline: NonNullable<MeasuredRow['baseline']> } {
  const row = peers.rows.find((one) => one.key === key);
  if (row?.status !== 'measured' || row.baseline === null) throw new Error(`no row ${key}`);
  return { ...row, baseline: row.baseline };
}

/** Which row of the result a line of the table is, and what stands behind QEMU's figure. */
const PEERS: readonly (readonly [line: string, key: string, how?: string])[] = [
  ['2 GiB of random pages, idle: rate', 'peer-idle-multifd', ' (multifd, 2 channels)'],
  ['the same, destination cold: rate', 'peer-idle-cold-multifd', ' (multifd, 2 channels)'],
  ['2 GiB of random pages, idle: downtime', 'peer-idle-downtime'],
  ['4 GiB untouched: total time', 'peer-untouched'],
  ['4 GiB touched, all zero: total time', 'peer-touched-zero'],
  [
    '1 GiB, 256 MiB of it written in sequence, post-copy: longest gap',
    'peer-swept-postcopy-gap-preempt',
    ' (postcopy-preempt)',
  ],
  [
    '1 GiB, 256 MiB of it written in sequence, hybrid over a link of 1 Gbit/s: longest gap',
    'peer-swept-hybrid-gap-preempt',
    ' (postcopy-preempt)',
  ],
];

const peersTable: Check = (page) => {
  const rows = tableRowsOf(page);
  const start = rows.findIndex(([, engine]) => engine === 'Pageferry') + 1;
  const found = rows.slice(start, start + PEERS.length).map((cells) => cells.join(' | '));
  return PEERS.map(([line, key, how = '']) => {
    const { measured, baseline, unit } = peerRow(key);
    const [ours, theirs] = [measured, baseline].map(({ median }) => `${number(median)} ${unit}`);
    return `${line} | ${ours} | ${theirs}${how}`;
  }).filter((line, i) => found[i] !== line);
};

const peersText: Check = (page) => {
  const { commit, cores, qemu } = peers.environment;
  const { median, min, max, samples } = peerRow('peer-idle-cold-multifd').ratio ?? {};
  const counts = ['no', 'one', 'two', 'three', 'four', 'five'];
  const text = page.replaceAll(/\s+/g, ' ');
  return [
    `At commit ${commit?.slice(0, 7)}, on ${cores} virtual cores, beside QEMU ${qemu?.replace(/\.\d+$/, '')} `,
    `ours was ${number(min ?? 0)} to ${number(max ?? 0)} times QEMU's in ${counts[samples?.length ?? 0]} samples, ${number(median ?? 0)} in the median`,
  ].filter((sentence) => !text.includes(sentence));
};

describe('README.md', () => {
  it.each<readonly [string, Check]>([
    ['has only command lines that the commands take', commands],
    ['has only links that lead somewhere', links],
    ['has a scenario file that the bench takes', scenarioFile],
    ['has a program that compiles against the types of the package', program],
    ['names only what the sources have', names],
    ['says what each exit code means', exitCodes],
    ['says which kernel, Node and glibc it needs', needs],
    ['says with which flag Node is started', flags],
    ['lists the strategies', strategies],
    ['says how long the suite quick takes', howLongQuickTakes],
    ['has the figures beside QEMU of the recorded run', peersTable],
    ['says what that run was made on, and how much the cold samples differ', peersText],
  ])('%s', async (_says, check) => {
    expect(await check(readme)).toEqual([]);
  });
});

describe('npx in a clone', () => {
  // npm runs `prepare` of the clone the first time that npx is used in it.
  const { scripts } = JSON.parse(readProjectFile('package.json'));
  const prepare = (command: string) =>
    spawnSync('/bin/sh', ['-c', scripts.prepare], {
      cwd: root,
      env: { npm_command: command, PATH: '' },
      encoding: 'utf8',
    });

  it('runs what npm ci has built', () => {
    expect(prepare('exec')).toMatchObject({ status: 0, stderr: '' });
  });

  it('leaves building to npm ci', () => {
    expect(prepare('ci')).toMatchObject({ stderr: expect.stringContaining('npm: not found') });
  });
});

/** The README with one thing in it changed. */
function changed(from: string, to: string): string {
  if (!readme.includes(from)) throw new Error(`README.md does not say '${from}'`);
  return readme.replace(from, to);
}

describe('the look at README.md', () => {
  it.each<readonly [string, Check, from: string, to: string]>([
    ['a command', commands, 'npx pageferry doctor ', 'npx pageferry nurse '],
    ['an option', commands, '--workload hotset --fill pid', '--work hotset --fill pid'],
    ['a value of an option', commands, '--workload hotset --fill pid', '--workload hot --fill pid'],
    [
      'an option behind a second command',
      commands,
      'demo --workload trace:',
      'demo --trace trace:',
    ],
    ['an option that is missing', commands, ' --out redis.trace', ''],
    [
      'an option in the text',
      commands,
      '`npx pageferry demo --help`',
      '`npx pageferry demo --hlp`',
    ],
    ['a suite', commands, 'bench quick --only', 'bench quickly --only'],
    ['a scenario', commands, '--only switchover', '--only switch'],
    ['an option of the bench', commands, '--repetitions 3', '--times 3'],
    [
      'a command of the bench',
      commands,
      'bench compare before.json after.json',
      'bench compare before.json',
    ],
    ['a script', commands, 'npm run demo', 'npm run show'],
    ['the name of the package', commands, 'npm install pageferry', 'npm install ferry'],
    ['an example', commands, '`node examples/embed.mjs`', '`node examples/embedded.mjs`'],
    ['a picture', links, '(docs/demo.png)', '(docs/demo.svg)'],
    ['a page', links, '(docs/protocol.md)', '(docs/wire.md)'],
    [
      'a strategy in the scenario file',
      scenarioFile,
      '"strategy": "post-copy"',
      '"strategy": "copy"',
    ],
    ['a field in the scenario file', scenarioFile, '"rtt"', '"delay"'],
    ['an option in the program', program, "strategy: 'pre-copy'", "strategy: 'no-copy'"],
    ['an event in the program', program, "on('arrived'", "on('landed'"],
    ['a figure in the program', program, '{ phase, rateBytesPerSecond }', '{ phase, rate }'],
    ['a name in the text', names, '`error.report.guestLocation`', '`error.report.guestPlace`'],
    ['a call in the text', names, '`await rehearse()`', '`await practise()`'],
    ['a flag in the text', names, '`kernelTouches: true`', '`kernelTouch: true`'],
    ['a swapped exit code', exitCodes, '1 the migration failed', '3 the migration failed'],
    ['the version of Node', needs, 'Node 20.19 or later', 'Node 18.0 or later'],
    ['the version of glibc', needs, '2.34 and Node', '2.31 and Node'],
    ['the version of Linux', needs, 'Linux 5.14 or later', 'Linux 5.10 or later'],
    ['the flag of Node', flags, '`--no-memory-reducer`', '`--no-idle-gc`'],
    ['a strategy', strategies, '| **hybrid** |', '| **mixed** |'],
    ['a time', howLongQuickTakes, 'about three minutes', 'about two minutes'],
    ['our figure', peersTable, '| 1.33 ms |', '| 1.64 ms |'],
    ["QEMU's figure", peersTable, '| 235 ms |', '| 253 ms |'],
    [
      'what the figures are of',
      peersTable,
      '2 GiB of random pages, idle: downtime',
      '2 GiB idle: downtime',
    ],
    ['the commit', peersText, 'At commit a9dc30b', 'At commit 0879bea'],
  ])('finds %s that is wrong', async (_what, check, from, to) => {
    expect(await check(changed(from, to))).not.toEqual([]);
  });
});
