/** A run's document says how to run it again, and `demo --like` does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { atEnd } from '../support/at-end.js';
import { pageferryHere } from './in-process.js';
import { pageferry } from './pageferry.js';

/** No option that a report holds has its default here. */
const EVERYTHING = [
  ...['--memory', '8MiB', '--workload', 'hotset', '--wss', '4MiB', '--write-rate', '2000'],
  ...['--write-bytes', '128', '--threads', '2', '--seed', '7', '--bandwidth', '4Gbit'],
  ...['--downtime-budget', '20ms', '--max-rounds', '3', '--if-not-converging', 'abort'],
  ...['--channels', '3', '--tracker', 'mprotect', '--compression', 'lz4', '--observe', '30ms'],
  ...['--stall-timeout', '9s', '--switchover-timeout', '2s', '--no-verify'],
  ...['--cache', '4MiB', '--guest-share', '0.8'],
];
const TOLD = {
  strategies: ['stop-and-copy'],
  guest: {
    workload: 'hotset',
    memoryBytes: 8 << 20,
    workingSetBytes: 4 << 20,
    writesPerSecond: 2000,
    writeBytes: 128,
    threads: 2,
    seed: 7,
    fill: { kind: 'file', path: expect.stringMatching(/fill$/) },
  },
  migration: {
    channels: 3,
    tracker: 'mprotect',
    compression: 'lz4',
    cacheBytes: 4 << 20,
    guestShare: 0.8,
    bandwidthBytesPerSecond: 500_000_000,
    downtimeBudgetMs: 20,
    maxRounds: 3,
    otherwise: 'abort',
    observeMs: 30,
    verify: false,
    stallMs: 9000,
    switchoverMs: 2000,
  },
};

interface Document {
  readonly host: object;
  readonly migrations: readonly { readonly strategy: string }[];
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-like-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'fill'), 'the initial content'.repeat(500));
  return folder;
}

/** The document of a demo that ended well. */
async function demo(...options: readonly string[]): Promise<Document> {
  const { code, stdout, stderr } = await pageferry('demo', ...options, '--json', '-');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Document;
}

describe("a run's document", () => {
  it('says what the run was told and what it ran on, and runs it again', async () => {
    const folder = newFolder();
    const fill = ['--fill', `file:${join(folder, 'fill')}`];
    const first = await demo(...EVERYTHING, ...fill, '--strategy', 'stop-and-copy');
    expect(first).toMatchObject(TOLD);
    expect(first.host).toEqual({
      kernel: release(),
      cpu: expect.any(String),
      cores: expect.any(Number),
      memoryBytes: expect.any(Number),
      node: process.version,
      pageferry: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      commit: expect.toSatisfy(
        (commit) => commit === null || /^[0-9a-f]{12}(-modified)?$/.test(commit),
      ),
    });
    const report = join(folder, 'report.json');
    writeFileSync(report, JSON.stringify(first));
    const { host, migrations, ...again } = await demo('--like', report);
    expect(again).toEqual({ version: 1, ...TOLD });
    expect(migrations.map(({ strategy }) => strategy)).toEqual(['stop-and-copy']);
    const flags = [
      '--seed',
      '8',
      '--strategy',
      'post-copy',
      '--fill',
      'zero',
      '--bandwidth',
      '1Gbit',
    ];
    const other = await demo('--like', report, ...flags);
    expect(other).toMatchObject({
      strategies: ['post-copy'],
      guest: { ...TOLD.guest, seed: 8, fill: { kind: 'zero' } },
      migration: { ...TOLD.migration, bandwidthBytesPerSecond: 125_000_000 },
    });
  });

  it.each([
    ['is not there', undefined, /ENOENT/],
    ['is no JSON', 'demo', /JSON/],
    ['is something else', '{"version": 2}', /version: /],
    [
      'lacks something',
      JSON.stringify({ version: 1, strategies: ['hybrid'] }),
      /guest is missing\. /,
    ],
    [
      'asks for what no flag takes',
      JSON.stringify({
        version: 1,
        ...TOLD,
        guest: { ...TOLD.guest, memoryBytes: 5000, fill: { kind: 'zero' } },
      }),
      /guest\.memoryBytes: /,
    ],
  ])('that %s is refused, and nothing is run', async (_what, text, says) => {
    const file = join(newFolder(), 'report.json');
    if (text !== undefined) writeFileSync(file, text);
    const { code, stdout, stderr } = await pageferryHere('demo', '--like', file);
    expect(stderr).toMatch(/^pageferry: USAGE: --like [^\n]+with --json\n$/);
    expect(stderr).toMatch(says);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('has the fields that docs/metrics.md says', async () => {
    const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const section = document.split('## The document\n')[1]?.split(/\n#/)[0] ?? '';
    const fields = [...section.matchAll(/^\| `(\w+)/gm)].map(([, name]) => name);
    const small = ['--memory', '1MiB', '--observe', '0', '--strategy', 'stop-and-copy'];
    expect(Object.keys(await demo(...small))).toEqual(fields);
  });
});
